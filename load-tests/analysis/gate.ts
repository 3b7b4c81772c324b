/** Whether a tunnel has become slower than another, or than it was. */
import type { ArmName, StepReport } from '../report/model.ts';
import type { GateControl, GateRow, GateSection, Interval, Outcome } from '../report/sections.ts';
import { unfitWindows } from './fitness.ts';
import { gateSentence } from './gate-sentence.ts';
import type { Answers } from './gate-sentence.ts';
import { hodgesLehmann } from './hodges-lehmann.ts';
import {
  differencesOf,
  failuresOf,
  pairedDifference,
  roundMs,
  seriesOf,
  shareOf,
  summarized,
  usableWindows,
} from './paired.ts';
import type { Failures } from './paired.ts';
import { median } from './statistics.ts';

/** A difference below both the floor and the share of the baseline is nobody's business. */
const MARGINS = { p50: { floorMs: 0.3, share: 0.1 }, p99: { floorMs: 1, share: 0.2 } } as const;
/** Up to this part of the margin the same tunnel may differ from itself. */
const CONTROL_SHARE = 0.5;
/** From this part of its requests on, an arm's failures outweigh its latency. */
const MAX_FAILED_SHARE = 0.01;
/** A candidate fails by so many failures more than the baseline, and this share of its requests: less may be chance. */
const MIN_MORE_FAILURES = 3;
const MIN_MORE_SHARE = 0.002;
const METRICS = ['p50', 'p99'] as const;

type GateMetric = (typeof METRICS)[number];
type Difference = { medianMs: number; ci95: Interval | null };
/** Of the candidate and of what it is compared with. */
export type BothFailures = { candidate: Failures; baseline: Failures };
/** What a gate is judged by: the difference to the baseline, the controls' to 0, who failed to answer, and who asked. */
type Signs = {
  baselineMs: (metric: GateMetric) => number;
  /** The same without the generator's lag, for the margin. */
  serviceMs: (metric: GateMetric) => number;
  difference: (metric: GateMetric) => Difference;
  controls: (metric: GateMetric) => (Difference & Pick<GateControl, 'of'>)[];
  failures: BothFailures;
  steps: readonly StepReport[];
};
export type GateJudgement = Pick<GateSection, 'outcome' | 'rows' | 'sentence'> & {
  control: NonNullable<GateSection['control']>;
  isFit: boolean;
};

/** Windows of an earlier run, as its report.json keeps them. */
export type StoredWindows = readonly StepReport[];

/**
 * Judges the windows of a gate with the arms `tunnel` (the candidate), `baseline` and `control` (the baseline again).
 *
 * p50 and p99 are judged each by its interval and its margin, max(0.3 ms, 10 %) and max(1 ms, 20 %) of the baseline
 * (without the generator's own lag, which would make room for what is to be found):
 * `fail` only when the whole interval is over the margin, `pass` when it is all under it, `inconclusive` where it holds
 * the margin. A difference that is certain but small never fails, and a p-value is nowhere asked for. With a 95 %
 * interval, a candidate that is no slower than the margin fails at one figure in 2.5 % of all runs at most, and an
 * unchanged one, which has the whole margin for room, practically never.
 *
 * The control is the same tunnel against itself (A/A). Where the median of its difference is over half the margin, what
 * is measured here is the machine: no verdict on anything; nor where the generator was not fit in over a quarter of the
 * windows. Noise alone needs no rule: it widens the interval. A candidate that fails to answer three times and by 0.2 % of
 * its requests more than the baseline fails whatever its latency: errors are quick, and the generator is the same for
 * both. Where the baseline itself fails over 1 %, that takes 1 % more, and without it there is no verdict.
 * Source: Bulej et al., Duet Benchmarking, ICPE 2020, for the pairing; for margins in place of tests, Schuirmann, J.
 * Pharmacokinet. Biopharm. 15 (1987).
 */
export function judgeGate(steps: readonly StepReport[]): GateJudgement {
  const windows = usableWindows(steps, ['tunnel', 'baseline', 'control']);
  return judge({
    baselineMs: (metric) => roundMs(median(seriesOf(windows, 'baseline', metric))),
    serviceMs: (metric) => serviceOf(windows, 'baseline', metric),
    difference: (metric) => pairedDifference(windows, 'tunnel', 'baseline', metric),
    controls: (metric) => [pairedDifference(windows, 'control', 'baseline', metric)],
    // Each tunnel by both of its arms.
    failures: { candidate: failuresOf(steps, 'tunnel', 'twin'), baseline: failuresOf(steps, 'baseline', 'control') },
    steps,
  });
}

/**
 * The same against an earlier run on the same machine: what the tunnel adds to the direct path in each window now, less
 * what it added in each window then. No window of now belongs to one of then, so shift and interval are those of Hodges
 * and Lehmann; the direct arm takes out a little of what the machine as a whole has become slower by, but not what
 * slows a long path more than a short one. So there are two controls: each second window against the one before it, the
 * same tunnel a moment later at the same load; and the direct path now against the direct path then. Failures count
 * less those of the direct arm.
 */
export function judgeAgainstStored(steps: readonly StepReport[], stored: StoredWindows): GateJudgement {
  const now = usableWindows(steps, ['tunnel', 'direct']);
  const then = usableWindows(stored, ['tunnel', 'direct']);
  return judge({
    baselineMs: (metric) => roundMs(median(seriesOf(then, 'tunnel', metric))),
    serviceMs: (metric) => serviceOf(then, 'tunnel', metric),
    difference: (metric) => shiftOf(added(then, metric), added(now, metric)),
    controls: (metric) => [
      summarized(metric, stepsBetween(added(now, metric))),
      { ...shiftOf(seriesOf(then, 'direct', metric), seriesOf(now, 'direct', metric)), of: 'direct' },
    ],
    failures: { candidate: beyondDirect(steps), baseline: beyondDirect(stored) },
    steps,
  });
}

function shiftOf(from: readonly number[], to: readonly number[]): Difference {
  const { shift, ci95 } = hodgesLehmann(from, to);
  return { medianMs: roundMs(shift), ci95: ci95 === null ? null : [roundMs(ci95[0]), roundMs(ci95[1])] };
}

function serviceOf(windows: readonly StepReport[], arm: ArmName, metric: GateMetric): number {
  return median(windows.map(({ arms }) => arms[arm]?.serviceMs[metric] ?? NaN));
}

/** The tunnel's failures that the backend, asked directly, does not account for. */
function beyondDirect(steps: readonly StepReport[]): Failures {
  const { failed, offered } = failuresOf(steps, 'tunnel');
  return { failed: Math.max(0, failed - shareOf(failuresOf(steps, 'direct')) * offered), offered };
}

function added(windows: readonly StepReport[], metric: GateMetric): number[] {
  return differencesOf(windows, 'tunnel', 'direct', metric);
}

/** The second less the first, the fourth less the third, and so on: no value counts twice. */
function stepsBetween(values: readonly number[]): number[] {
  return values.flatMap((value, index) => (index % 2 === 1 ? [value - (values[index - 1] ?? NaN)] : []));
}

function judge({ baselineMs, serviceMs, difference, controls, failures, steps }: Signs): GateJudgement {
  const marginMs = (metric: GateMetric): number => {
    const { floorMs, share } = MARGINS[metric];
    return roundMs(Math.max(floorMs, share * Math.min(baselineMs(metric), serviceMs(metric))) || floorMs);
  };
  const rows: GateRow[] = METRICS.map((metric) => {
    const { medianMs, ci95 } = difference(metric);
    const margin = marginMs(metric);
    const outcome = outcomeOf(ci95, margin);
    return { metric, baselineMs: baselineMs(metric), differenceMs: medianMs, ci95, marginMs: margin, outcome };
  });
  const control = METRICS.map((metric): GateControl => {
    const { medianMs, ci95, of } = controls(metric).reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a));
    const isFit = Math.abs(medianMs) <= CONTROL_SHARE * marginMs(metric);
    return { metric, differenceMs: medianMs, ci95, isFit, ...(of && { of }) };
  });
  const answers = answersOf(failures);
  const unfit = unfitWindows(steps);
  const facts = { rows, control, failures, answers, unfit: unfit.isTooMany ? unfit.signs : [] };
  const isFit = facts.unfit.length === 0 && control.every((each) => each.isFit);
  const outcome = overall(facts);
  const sentence = gateSentence({ outcome, windows: steps.length, ...facts });
  // Without a window there is no figure, and none is shown.
  const isMeasured = rows.every(({ differenceMs }) => Number.isFinite(differenceMs));
  return isMeasured ? { outcome, rows, control, sentence, isFit } : { outcome, rows: [], control: [], sentence, isFit };
}

/** A median of no windows is NaN, and fit for nothing. */
function sizeOf({ medianMs }: Difference): number {
  return Number.isNaN(medianMs) ? Infinity : Math.abs(medianMs);
}

/** What both fail alike is the machine's or the backend's doing, and leaves too few answers to judge by. */
function answersOf({ candidate, baseline }: BothFailures): Answers {
  const usual = shareOf(baseline);
  const more = shareOf(candidate) - usual;
  const least = usual > MAX_FAILED_SHARE ? MAX_FAILED_SHARE : MIN_MORE_SHARE;
  if (more > least && more * candidate.offered >= MIN_MORE_FAILURES) return 'failing';
  return Math.max(shareOf(candidate), usual) > MAX_FAILED_SHARE ? 'unclear' : 'sound';
}

function outcomeOf(ci95: Interval | null, marginMs: number): Outcome {
  if (ci95 === null) return 'inconclusive';
  if (ci95[0] > marginMs) return 'fail';
  return ci95[1] < marginMs ? 'pass' : 'inconclusive';
}

type Facts = { rows: readonly GateRow[]; control: readonly GateControl[]; answers: Answers; unfit: readonly string[] };

/**
 * A generator that was not fit first, since what it did not send or wait for is nobody's failure (where answers were
 * errors it is not called that); then errors, since they make all latencies meaningless; then the machine; then the
 * figures, the worst of them.
 */
function overall({ rows, control, answers, unfit }: Facts): Outcome {
  if (unfit.length > 0) return 'inconclusive';
  if (answers !== 'sound') return answers === 'failing' ? 'fail' : 'inconclusive';
  if (control.some(({ isFit }) => !isFit)) return 'inconclusive';
  if (rows.some(({ outcome }) => outcome === 'fail')) return 'fail';
  return rows.every(({ outcome }) => outcome === 'pass') ? 'pass' : 'inconclusive';
}
