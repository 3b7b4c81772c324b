/** From runs to the rows that are printed. Pure. */
import type { RunFigures } from './engine-runs.ts';
import { medianInterval } from './interval.ts';

export type EngineRow = {
  name: string;
  model: 'open' | 'closed' | 'ceiling';
  /** Offered; null in a closed loop. */
  rate: number | null;
  figures: RunFigures;
  cpuUsPerRequest: number | null;
};

const COLUMNS = ['generator', 'model', 'offered/s', 'achieved/s', 'lag p99 ms', 'service p50', 'p50 ms', 'p99 ms'];
const LAST_COLUMN = 'CPU us/request';
const WIDTH = 12;
export const HEAD = line([...COLUMNS, LAST_COLUMN]);

/** How the engines are to agree: achieved rate within 1 %; p50 within 10 % or 0.2 ms. */
const RATE_TOLERANCE = 0.01;
const P50_TOLERANCE = 0.1;
const P50_TOLERANCE_MS = 0.2;
/** The next rate that is tried for a ceiling, and when to stop. */
const LADDER_FACTOR = 1.25;
const MOST_RUNGS = 14;
const CARRIED_SHARE = 0.99;
/** A generator that is later than this was not in step, whatever it caught up with. */
const MOST_LAG_MS = 50;

export function figureRow({ name, model, rate, figures, cpuUsPerRequest }: EngineRow): string {
  const { achievedRate, lagP99Ms, serviceP50Ms, p50Ms, p99Ms } = figures;
  return line([
    name,
    model,
    rate === null ? '–' : `${Math.round(rate)}`,
    achievedRate.toFixed(0),
    ...[lagP99Ms, serviceP50Ms, p50Ms, p99Ms].map((ms) => ms?.toFixed(2) ?? '–'),
    cpuUsPerRequest?.toFixed(0) ?? '–',
  ]);
}

function line(cells: readonly string[]): string {
  const padded = cells.map((cell, index) => (index < 2 ? cell.padEnd(WIDTH) : cell.padStart(WIDTH)));
  return `${padded.join(' ').trimEnd()}\n`;
}

/** The median of each figure over the runs; null where one run has none. */
export function medianOf<Figures extends Record<string, number | null>>(runs: readonly Figures[]): Figures {
  const [first] = runs;
  const keys = Object.keys(first ?? {}) as (keyof Figures)[];
  const middle = (key: keyof Figures): number | null => {
    const values = runs
      .map((run) => run[key])
      .filter((value): value is Figures[keyof Figures] & number => value !== null);
    return values.length < runs.length ? null : (medianInterval(values)?.median ?? null);
  };
  return Object.fromEntries(keys.map((key) => [key, middle(key)])) as Figures;
}

/**
 * Whether the embedded engine and k6 measured the same, by the medians of what was taken in turn: the rate, and the time
 * of service, which both take from send to last byte. The time from the intended start holds each engine's own
 * lateness as well: told beside it.
 */
export function agreementRow(taken: ReadonlyMap<string, readonly { long: RunFigures }[]>): string {
  const [ours, theirs] = ['embedded', 'k6'].map((name) => medianOf((taken.get(name) ?? []).map(({ long }) => long)));
  if (ours === undefined || theirs === undefined) return '';
  const rateApart = Math.abs(theirs.achievedRate / ours.achievedRate - 1);
  const serviceMs = (theirs.serviceP50Ms ?? 0) - (ours.serviceP50Ms ?? 0);
  const isP50Close = Math.abs(serviceMs) <= Math.max(P50_TOLERANCE_MS, P50_TOLERANCE * (ours.serviceP50Ms ?? 0));
  const word = rateApart <= RATE_TOLERANCE && isP50Close ? 'agree' : 'DISAGREE';
  const rate = `achieved rates ${(100 * rateApart).toFixed(2)} % apart`;
  const late = `${signed(theirs.p50Ms - ours.p50Ms)} ms from the intended start, k6's lateness in it`;
  return `  they ${word}: ${rate}, k6's service p50 ${signed(serviceMs)} ms (${late})\n`;
}

function signed(ms: number): string {
  return `${ms < 0 ? '' : '+'}${ms.toFixed(3)}`;
}

/**
 * The highest rate of a ladder that was carried: 99 % answered in step, none dropped, none sent late. Null where not
 * even the first was.
 */
export async function ceilingOf(
  run: (rate: number) => Promise<RunFigures>,
  fromRate: number,
): Promise<{ rate: number; figures: RunFigures } | null> {
  let best: { rate: number; figures: RunFigures } | null = null;
  let rate = fromRate;
  for (let rung = 0; rung < MOST_RUNGS; rung++) {
    const figures = await run(rate);
    const isLate = (figures.lagP99Ms ?? 0) > MOST_LAG_MS;
    if (isLate || figures.dropped > 0 || figures.achievedRate < CARRIED_SHARE * rate) break;
    best = { rate, figures };
    rate = Math.round(rate * LADDER_FACTOR);
  }
  return best;
}
