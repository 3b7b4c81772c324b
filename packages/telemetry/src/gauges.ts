import type { Registry } from 'prom-client';
import { helpOf } from './catalogue.ts';
import { type Labels, registerSampled, type Sample } from './sampled-metric.ts';

/** Series one gauge may have; names of sessions or clients as labels, where switched on, are the operator's choice. */
export const MAX_SERIES = 1000;

type Reader = { labels: Labels; read: () => number };

/** Gauges that are read only when somebody scrapes. */
export class Gauges {
  readonly #registry: Registry;
  readonly #onError: () => void;
  readonly #readers = new Map<string, Map<string, Reader>>();

  /** @param onError called for each value that could not be read; the others are shown. */
  constructor(registry: Registry, onError: () => void) {
    this.#registry = registry;
    this.#onError = onError;
  }

  /**
   * Shows `read()` under `name` and `labels` until the answer is called. Throws when the pair is taken. Beyond
   * `MAX_SERIES` of one name nothing is added.
   */
  add(name: string, labels: Labels, read: () => number, help = helpOf(name) ?? name): () => void {
    const readers = this.#readers.get(name) ?? this.#open(name, help);
    const key = JSON.stringify(Object.entries(labels).toSorted());
    if (readers.has(key)) throw new Error(`gauge ${name} already has the labels ${key}`);
    if (readers.size >= MAX_SERIES) return () => undefined;
    readers.set(key, { labels, read });
    return () => {
      readers.delete(key);
    };
  }

  #open(name: string, help: string): Map<string, Reader> {
    const readers = new Map<string, Reader>();
    registerSampled(this.#registry, { name, help, type: 'gauge' }, () => this.#sample(readers));
    this.#readers.set(name, readers);
    return readers;
  }

  #sample(readers: Map<string, Reader>): Sample[] {
    const samples: Sample[] = [];
    for (const { labels, read } of readers.values()) {
      try {
        samples.push({ labels, value: read() });
      } catch {
        this.#onError();
      }
    }
    return samples;
  }
}
