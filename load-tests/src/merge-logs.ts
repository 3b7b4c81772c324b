import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { DurationHistogram } from '../engine/histogram.ts';
import { mergeHistograms } from '../engine/totals.ts';
import { LoadError } from './errors.ts';

const LINE = /^Tag=(\d{1,6}),([\d.]+),([\d.]+),([\d.]+),([A-Za-z0-9+/=]+)$/;
const US_PER_MS = 1000;

/** A second of an arm: of which step, and its response times. */
type Second = { stepIndex: number; histogram: DurationHistogram };
/** A step of an arm as several generators logged it: all of it, and second by second. */
export type MergedStep = { all: DurationHistogram; seconds: { p50: number; p99: number; max: number }[] };

/**
 * Merges the HdrHistogram interval logs of one arm, written by several generators at the same time (`HdrLog`): step by
 * step (the tag), and within it the first second of each with the first of the others, and so on. Logs are read in step
 * with each other, a line at a time, so their length does not matter. Histograms add without loss (G. Tene).
 * @throws LoadError `SP_LOAD_REPORT` for a file that cannot be read or is none
 */
export async function mergeLogs(files: readonly string[]): Promise<Map<number, MergedStep>> {
  const logs = files.map((file) => readSeconds(file));
  const steps = new Map<number, MergedStep>();
  try {
    let heads = await Promise.all(logs.map((log) => log.next()));
    for (;;) {
      const known = heads.flatMap(({ value, done }) => (done === true ? [] : [value.stepIndex]));
      if (known.length === 0) return steps;
      const stepIndex = Math.min(...known);
      const isNow = heads.map(({ value, done }) => done !== true && value.stepIndex === stepIndex);
      const now = heads.flatMap(({ value, done }, index) => (done !== true && isNow[index] === true ? [value] : []));
      addSecond(steps, stepIndex, now);
      heads = await Promise.all(
        heads.map(async (head, index) => (isNow[index] === true ? await logs[index]!.next() : head)),
      );
    }
  } finally {
    await Promise.all(logs.map((log) => log.return(undefined)));
  }
}

function addSecond(steps: Map<number, MergedStep>, stepIndex: number, shares: readonly Second[]): void {
  const step = steps.get(stepIndex) ?? { all: new DurationHistogram(), seconds: [] };
  steps.set(stepIndex, step);
  const second = new DurationHistogram();
  for (const { histogram } of shares) second.add(histogram);
  step.all.add(second);
  step.seconds.push({ p50: second.at(50), p99: second.at(99), max: second.at(100) });
}

async function* readSeconds(file: string): AsyncGenerator<Second, undefined, undefined> {
  const stream = createReadStream(file);
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      if (line === '' || line.startsWith('#') || line.startsWith('"')) continue;
      yield parseSecond(line, file);
    }
  } catch (error) {
    if (error instanceof LoadError) throw error;
    throw refuse(file, `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  } finally {
    stream.destroy();
  }
  return undefined;
}

function parseSecond(line: string, file: string): Second {
  const [, tag, , , maxMs, base64 = ''] = LINE.exec(line) ?? [];
  const maxUs = Math.round(Number(maxMs) * US_PER_MS);
  try {
    if (tag === undefined) throw new Error('another form');
    // The log holds no sum and no minimum; whoever needs them has them from the report.
    return { stepIndex: Number(tag), histogram: mergeHistograms([{ base64, sumUs: 0, minUs: 0, maxUs }]) };
  } catch {
    throw refuse(file, 'has a line that is no interval of a HdrHistogram log with a step as its tag');
  }
}

function refuse(file: string, why: string): LoadError {
  return new LoadError('SP_LOAD_REPORT', `${file} ${why}; give folders as load tests have written them`);
}
