import {
  DESCRIPTORS_MATTER,
  HEAP_WINDOWS,
  LOOP_DELAY_MATTERS,
  lowestOf,
  MEMORY_MATTERS,
  withoutWarmUp,
} from '../analysis/soak.ts';
import type { Series } from '../analysis/soak.ts';
import type { Point } from '../analysis/theil-sen.ts';
import { readPart } from './parts.ts';
import type { Part } from './parts.ts';
import { sumOf } from './prometheus-text.ts';

const MS_PER_S = 1000;
const MS_PER_HOUR = 3600 * MS_PER_S;
const BYTES_PER_MIB = 2 ** 20;
/** Samples that are kept of a part; when there are more, every other one is dropped and half as many are taken. */
const MAX_SAMPLES = 4096;

const LOOP_DELAY = 'sallyport_event_loop_delay_seconds';

/** One look at a part; null for what it does not export. `atMs` is on the clock of `performance.now()`. */
type Sample = {
  atMs: number;
  rss: number | null;
  heap: number | null;
  descriptors: number | null;
  delaySumS: number | null;
  delayCount: number | null;
};

/** Looks at the parts of a tunnel every few seconds while it runs; `stop()` ends it. */
export class PartSamples {
  readonly #parts: readonly Part[];
  /** At most `MAX_SAMPLES` for each part. */
  readonly #samples: Sample[][];
  readonly #timer: NodeJS.Timeout;
  #keepEvery = 1;
  #looks = 0;
  #isLooking = false;

  constructor(parts: readonly Part[], everyMs: number) {
    this.#parts = parts;
    this.#samples = parts.map(() => []);
    this.#timer = setInterval(() => void this.#look(), everyMs);
    void this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    // A part that takes longer to answer than the interval is asked again at the next one.
    if (this.#isLooking || this.#looks++ % this.#keepEvery !== 0) return;
    this.#isLooking = true;
    await Promise.all(this.#parts.map((part, index) => this.#lookAt(part, index)));
    this.#isLooking = false;
    if (this.#samples.some((each) => each.length >= MAX_SAMPLES)) this.#thin();
  }

  async #lookAt(part: Part, index: number): Promise<void> {
    const reading = await readPart(part);
    if (typeof reading === 'string') return;
    const { atMs, samples } = reading;
    this.#samples[index]?.push({
      atMs,
      rss: sumOf(samples, 'process_resident_memory_bytes'),
      heap: sumOf(samples, 'nodejs_heap_size_used_bytes'),
      descriptors: sumOf(samples, 'process_open_fds'),
      delaySumS: sumOf(samples, `${LOOP_DELAY}_sum`),
      delayCount: sumOf(samples, `${LOOP_DELAY}_count`),
    });
  }

  #thin(): void {
    this.#keepEvery *= 2;
    for (const samples of this.#samples) samples.splice(0, Infinity, ...samples.filter((_, index) => index % 2 === 0));
  }

  /** What was seen from `fromMs` on, by part and figure; `at` in hours from then. A process of two parts counts once. */
  series(fromMs: number): Series[] {
    return this.#parts.flatMap(({ process }, index) => {
      if (process === null) return [];
      const samples = (this.#samples[index] ?? []).filter(({ atMs }) => atMs >= fromMs);
      const points = (read: (sample: Sample) => number | null, unit = 1): Point[] =>
        samples.flatMap((sample) => {
          const value = read(sample);
          return value === null ? [] : [{ at: (sample.atMs - fromMs) / MS_PER_HOUR, value: value / unit }];
        });
      const heap = lowestOf(withoutWarmUp(points(({ heap: bytes }) => bytes, BYTES_PER_MIB)), HEAP_WINDOWS);
      return [
        {
          name: `${process} memory`,
          unit: 'MiB',
          matters: MEMORY_MATTERS,
          points: points(({ rss }) => rss, BYTES_PER_MIB),
        },
        { name: `${process} heap`, unit: 'MiB', matters: MEMORY_MATTERS, points: heap, isWarm: true },
        {
          name: `${process} descriptors`,
          unit: '',
          matters: DESCRIPTORS_MATTER,
          points: points(({ descriptors }) => descriptors),
        },
        {
          name: `${process} event-loop delay`,
          unit: 'ms',
          matters: LOOP_DELAY_MATTERS,
          points: delays(samples, fromMs),
        },
      ].filter((each) => each.points.length > 0);
    });
  }
}

/** The mean delay between each two samples: a counter tells what was missed in between, a gauge would not. */
function delays(samples: readonly Sample[], fromMs: number): Point[] {
  return samples.slice(1).flatMap((sample, index) => {
    const before = samples[index];
    const count = (sample.delayCount ?? 0) - (before?.delayCount ?? 0);
    if (count <= 0) return [];
    const sumS = (sample.delaySumS ?? 0) - (before?.delaySumS ?? 0);
    return [{ at: (sample.atMs - fromMs) / MS_PER_HOUR, value: (MS_PER_S * sumS) / count }];
  });
}
