/** Two runs beside each other. */
import { signedMs } from '../report/format.ts';
import type { CompareRow, Interval } from '../report/sections.ts';
import { hodgesLehmann } from './hodges-lehmann.ts';
import { roundMs } from './paired.ts';
import { rateText } from './rate-text.ts';

/** Rates that differ by less are one: profiles are written by people. */
const SAME_RATE = 0.001;
/** The p99 of a second with fewer answers is just its slowest one. */
const MIN_ANSWERS_FOR_P99 = 100;
/** Rates that are named in the sentence; all are in the rows. */
const MAX_NAMED = 4;

/** What a second of a step shows; `addedMs` is what the tunnel adds at p50, where there was a direct arm. */
export type ComparedSecond = { answers: number; p50: number; p99: number; addedMs: number | null };
/** A step of a run, or all steps of one rate together. */
export type ComparedStep = { rate: number; p50: number; p99: number; seconds: readonly ComparedSecond[] };
export type Comparison = { rows: CompareRow[]; onlyA: number[]; onlyB: number[] };

/**
 * Rate by rate, `b` less `a`. `p50` and `p99` are of the whole step: a plain difference, without an interval, since two
 * figures have none. The rows `… by second` are of the typical second: median of the seconds' figures, and the shift of
 * Hodges and Lehmann between the seconds of the one run and those of the other, with its interval; null where a run has
 * too few seconds. `added p50 by second` is the same of what the tunnel adds to the direct path, in which whatever the
 * machine as a whole did meanwhile has gone out. Runs at different times differ for many reasons: a gate is what decides.
 */
export function compareSteps(a: readonly ComparedStep[], b: readonly ComparedStep[]): Comparison {
  const twin = (step: ComparedStep, others: readonly ComparedStep[]): ComparedStep | undefined =>
    others.find(({ rate }) => isSame(rate, step.rate));
  const ratesWithout = (steps: readonly ComparedStep[], others: readonly ComparedStep[]): number[] =>
    steps.filter((step) => twin(step, others) === undefined).map(({ rate }) => rate);
  const rows = a.flatMap((step) => {
    const other = twin(step, b);
    return other === undefined ? [] : rowsOf(step, other);
  });
  return { rows, onlyA: ratesWithout(a, b), onlyB: ratesWithout(b, a) };
}

function isSame(one: number, other: number): boolean {
  return Math.abs(one - other) <= SAME_RATE * Math.max(one, other);
}

function rowsOf(a: ComparedStep, b: ComparedStep): CompareRow[] {
  const { rate } = a;
  const plain = (metric: 'p50' | 'p99'): CompareRow => ({
    rate,
    metric,
    aMs: a[metric],
    bMs: b[metric],
    differenceMs: roundMs(b[metric] - a[metric]),
    ci95: null,
  });
  const bySecond = (metric: string, read: (second: ComparedSecond) => number | null): CompareRow[] => {
    const [from, to] = [a, b].map(({ seconds }) => seconds.map((each) => read(each)).filter((value) => value !== null));
    if (from === undefined || to === undefined || from.length === 0 || to.length === 0) return [];
    const { shift, ci95 } = hodgesLehmann(from, to);
    const rounded: Interval | null = ci95 === null ? null : [roundMs(ci95[0]), roundMs(ci95[1])];
    const [aMs, bMs] = [middle(from), middle(to)];
    return [{ rate, metric: `${metric} by second`, aMs, bMs, differenceMs: roundMs(shift), ci95: rounded }];
  };
  return [
    plain('p50'),
    plain('p99'),
    ...bySecond('p50', ({ p50 }) => p50),
    ...bySecond('p99', ({ p99, answers }) => (answers < MIN_ANSWERS_FOR_P99 ? null : p99)),
    ...bySecond('added p50', ({ addedMs }) => addedMs),
  ];
}

function middle(values: readonly number[]): number {
  return roundMs(hodgesLehmann([0], values).shift);
}

/** What the rows say, in one or two sentences. `reservations`: why the runs may not be alike, in words. */
export function compareSentence({ rows, onlyA, onlyB }: Comparison, reservations: readonly string[]): string {
  const judged = rows.filter(({ metric, ci95 }) => metric === 'p50 by second' && ci95 !== null);
  const apart = judged.filter(({ ci95 }) => ci95 !== null && (ci95[0] > 0 || ci95[1] < 0));
  const named = apart.slice(0, MAX_NAMED).map(({ rate, differenceMs, ci95 }) => {
    const [low, high] = ci95 ?? [NaN, NaN];
    return `${signedMs(differenceMs)} ms at ${rateText(rate)}/s (95 %: ${signedMs(low)} to ${signedMs(high)})`;
  });
  if (apart.length > MAX_NAMED) named.push(`and at ${apart.length - MAX_NAMED} more rates`);
  const finding =
    judged.length === 0
      ? 'No interval: the runs have no rate in common with seconds enough to compare'
      : apart.length === 0
        ? 'B does not differ from A at p50 by more than its seconds differ among themselves'
        : `B against A at p50: ${named.join('; ')}`;
  const rates = [
    ...(onlyA.length === 0 ? [] : [`only A has ${onlyA.map((rate) => rateText(rate)).join(', ')}/s`]),
    ...(onlyB.length === 0 ? [] : [`only B has ${onlyB.map((rate) => rateText(rate)).join(', ')}/s`]),
  ];
  const doubts = [...rates, ...reservations];
  return `${finding}.${doubts.length === 0 ? '' : ` Mind: ${doubts.join('; ')}.`}`;
}
