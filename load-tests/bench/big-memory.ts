/** Resident memory of processes over a run, read from /proc once a second. */
import { readFileSync } from 'node:fs';
import { parseMemory } from './proc.ts';

const PERIOD_MS = 1_000;
const MIB = 1024 * 1024;

export interface Growth {
  readonly name: string;
  readonly startBytes: number;
  readonly peakBytes: number;
  readonly endBytes: number;
}

/** Samples until `stop`. Throws when one of the processes is gone. */
export class MemoryWatch {
  readonly #pids: Readonly<Record<string, number>>;
  readonly #samples: Record<string, number>[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pids: Readonly<Record<string, number>>) {
    this.#pids = pids;
    this.sample();
    this.#timer = setInterval(() => this.sample(), PERIOD_MS);
  }

  sample(): void {
    this.#samples.push(Object.fromEntries(Object.entries(this.#pids).map(([name, pid]) => [name, rssBytes(name, pid)])));
  }

  stop(): Growth[] {
    clearInterval(this.#timer);
    this.sample();
    return Object.keys(this.#pids).map((name) => {
      const series = this.#samples.map((sample) => sample[name]!);
      return { name, startBytes: series[0]!, peakBytes: Math.max(...series), endBytes: series.at(-1)! };
    });
  }
}

function rssBytes(name: string, pid: number): number {
  let status = '';
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    // Said below.
  }
  const memory = parseMemory(status);
  if (memory === undefined) throw new Error(`the ${name} process ${pid} is gone, or there is no /proc here`);
  return memory.rssBytes;
}

export function growthRow({ name, startBytes, peakBytes, endBytes }: Growth): string {
  const [start, peak, end] = [startBytes, peakBytes, endBytes].map((bytes) => `${(bytes / MIB).toFixed(1)} MiB`);
  return `${name.padEnd(8)} ${start} at the start, ${peak} at most, ${end} at the end`;
}

/** Those that held more than `limitBytes` above their start at any time. */
export function grown(growths: readonly Growth[], limitBytes: number): Growth[] {
  return growths.filter(({ startBytes, peakBytes }) => peakBytes - startBytes > limitBytes);
}
