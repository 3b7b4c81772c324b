import type { Registry } from 'prom-client';
import { helpOf } from './catalogue.ts';
import { type Labels, registerSampled, type Sample } from './sampled-metric.ts';

/** Series one name may have; names of sessions or clients as labels, where switched on, are the operator's choice. */
export const MAX_SERIES = 1000;

/** What a reading is: the type of its metric. */
export type ReadingType = 'counter' | 'gauge';

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

type Hooks = {
  /** A value could not be read; the others are shown. */
  onError: () => void;
  /** A series was left out, since its name has `MAX_SERIES`. */
  onFull: () => void;
};

type Reader = { labels: Labels; read: () => number };

/** Gauges, and counters kept elsewhere, that are read only when somebody scrapes. */
export class Readings {
  readonly #registry: Registry;
  readonly #on: Hooks;
  readonly #readers = new Map<string, Map<string, Reader>>();

  constructor(registry: Registry, hooks: Hooks) {
    this.#registry = registry;
    this.#on = hooks;
  }

  /**
   * Shows `read()` under `name` and `labels` until the answer is called. Throws when the pair is taken. Beyond
   * `MAX_SERIES` of one name nothing is added.
   */
  add(type: ReadingType, name: string, labels: Labels, read: () => number, help = helpOf(name) ?? name): () => void {
    const wrong = Object.keys(labels).find((label) => !LABEL_NAME.test(label));
    if (wrong !== undefined) throw new TypeError(`${JSON.stringify(wrong)} is not a label name`);
    const readers = this.#readers.get(name) ?? this.#open(type, name, help);
    const key = JSON.stringify(labels, Object.keys(labels).toSorted());
    if (readers.has(key)) throw new Error(`metric ${name} already has the labels ${key}`);
    if (readers.size >= MAX_SERIES) {
      this.#on.onFull();
      return () => undefined;
    }
    const reader = { labels, read };
    readers.set(key, reader);
    return () => {
      if (readers.get(key) === reader) readers.delete(key);
    };
  }

  #open(type: ReadingType, name: string, help: string): Map<string, Reader> {
    const readers = new Map<string, Reader>();
    registerSampled(this.#registry, { name, help, type }, () => this.#sample(readers));
    this.#readers.set(name, readers);
    return readers;
  }

  #sample(readers: Map<string, Reader>): Sample[] {
    const samples: Sample[] = [];
    for (const { labels, read } of readers.values()) {
      try {
        samples.push({ labels, value: read() });
      } catch {
        this.#on.onError();
      }
    }
    return samples;
  }
}
