/** Resident memory of processes over a run, as Linux counts it. */
import { readFileSync } from 'node:fs';
import { parseMemory } from './proc.ts';
import type { Memory } from './proc.ts';

const PERIOD_MS = 1_000;
const MIB = 1024 * 1024;

/**
 * V8 lets dead buffers of up to about 64 MiB lie before it collects, so that every process that moves bytes comes to a
 * plateau of that much above its rest. Growth is what comes on top of it with more bytes: peak against peak.
 */
export interface Growth {
  readonly name: string;
  readonly restBytes: number;
  readonly warmPeakBytes: number;
  readonly peakBytes: number;
  readonly endBytes: number;
}

/** Samples from its making to `stop`. Throws when one of the processes is gone. */
export class MemoryWatch {
  readonly #pids: Readonly<Record<string, number>>;
  readonly #rest: Readonly<Record<string, Memory>>;
  readonly #onSample: (line: string) => void;
  readonly #timer: NodeJS.Timeout;
  #warm: Readonly<Record<string, Memory>>;

  /** `onSample`: told what each process holds, once a second. */
  constructor(pids: Readonly<Record<string, number>>, onSample: (line: string) => void) {
    this.#pids = pids;
    this.#onSample = onSample;
    this.#rest = readAll(pids);
    this.#warm = this.#rest;
    this.#timer = setInterval(() => this.#sample(), PERIOD_MS);
  }

  /** The warm-up is over: peaks from here on count as growth. */
  warm(): void {
    this.#warm = readAll(this.#pids);
  }

  stop(): Growth[] {
    clearInterval(this.#timer);
    const end = readAll(this.#pids);
    return Object.keys(this.#pids).map((name) => ({
      name,
      restBytes: this.#rest[name]!.rssBytes,
      warmPeakBytes: this.#warm[name]!.peakRssBytes,
      peakBytes: end[name]!.peakRssBytes,
      endBytes: end[name]!.rssBytes,
    }));
  }

  #sample(): void {
    const held = Object.entries(readAll(this.#pids)).map(([name, { rssBytes }]) => `${name} ${mib(rssBytes)}`);
    this.#onSample(`  resident: ${held.join(', ')}`);
  }
}

function readAll(pids: Readonly<Record<string, number>>): Record<string, Memory> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, read(name, pid)]));
}

function read(name: string, pid: number): Memory {
  let status = '';
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    // Said below.
  }
  const memory = parseMemory(status);
  if (memory === undefined) throw new Error(`the ${name} process ${pid} is gone, or there is no /proc here`);
  return memory;
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

export function growthBytes({ warmPeakBytes, peakBytes }: Growth): number {
  return peakBytes - warmPeakBytes;
}

export function growthRow(growth: Growth): string {
  const { name, restBytes, warmPeakBytes, peakBytes, endBytes } = growth;
  const held = `${mib(restBytes)} at rest, at most ${mib(warmPeakBytes)} warm and ${mib(peakBytes)} in all`;
  const grew = `grew by ${mib(growthBytes(growth))}, ${mib(peakBytes - restBytes)} over its rest`;
  return `${name.padEnd(8)} ${held}, ${mib(endBytes)} at the end: ${grew}`;
}
