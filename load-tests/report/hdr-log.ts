import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from '../engine/plan.ts';
import type { ArmName } from './model.ts';
import { codeOf } from './write.ts';
import type { FailedFile } from './write.ts';

const MS_PER_S = 1000;
const US_PER_MS = 1000;

/**
 * One HdrHistogram interval log (format 1.3, github.com/HdrHistogram/HdrHistogram) per arm: a line for every second,
 * microseconds from the intended start, written as it comes, so that long runs neither fill the memory nor lose
 * everything when cut. The tag is the step's index; maxima are milliseconds.
 */
export class HdrLog {
  readonly files: string[];
  /** Files that are not whole, as on a full disk: the run goes on without them. One entry per arm at most. */
  readonly failed: FailedFile[] = [];
  readonly #streams: Map<ArmName, WriteStream>;
  readonly #startedMs = Date.now();

  constructor(folder: string, arms: readonly ArmName[]) {
    this.#streams = new Map(arms.map((arm) => [arm, createWriteStream(join(folder, `${arm}.hdr`))]));
    this.files = arms.map((arm) => join(folder, `${arm}.hdr`));
    const start = (this.#startedMs / MS_PER_S).toFixed(3);
    const legend = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"';
    for (const stream of this.#streams.values()) {
      stream.on('error', (error) => this.failed.push({ file: String(stream.path), code: codeOf(error) }));
      stream.write(`#[Histogram log format version 1.3]\n#[StartTime: ${start} (seconds since epoch)]\n${legend}\n`);
    }
  }

  write({ stepIndex, second, histograms }: Progress): void {
    const endS = (Date.now() - this.#startedMs) / MS_PER_S;
    const startS = Math.max(0, endS - second.lengthS);
    for (const [arm, stream] of this.#streams) {
      const histogram = histograms[arm];
      if (histogram === undefined || stream.destroyed) continue;
      const max = (histogram.maxUs / US_PER_MS).toFixed(3);
      stream.write(`Tag=${stepIndex},${startS.toFixed(3)},${second.lengthS.toFixed(3)},${max},${histogram.base64}\n`);
    }
  }

  async close(): Promise<void> {
    for (const stream of this.#streams.values()) {
      if (stream.closed) continue;
      stream.end();
      // Not `once()`, which rejects with the error that is already kept.
      await new Promise((resolve) => stream.once('close', resolve));
    }
  }
}
