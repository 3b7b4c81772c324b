/** Whether a tunnel has become slower than another, or than it was. */
import type { ArmName, StepReport } from '../report/model.ts';
import type { GateRow, GateSection, Interval, Outcome } from '../report/sections.ts';
import { gateSentence } from './gate-sentence.ts';
import type { Answers } from './gate-sentence.ts';
import { hodgesLehmann } from './hodges-lehmann.ts';
import {
  differencesOf,
  failedShare,
  pairedDifference,
  roundMs,
  seriesOf,
  summarized,
  usableWindows,
} from './paired.ts';
import { median } from './statistics.ts';

/** A difference below both the floor and the share of the baseline is nobody's business. */
const MARGINS = { p50: { floorMs: 0.3, share: 0.1 }, p99: { floorMs: 1, share: 0.2 } } as const;
/** Up to this part of the margin the same tunnel may differ from itself. */
const CONTROL_SHARE = 0.5;
/** From this part of its requests on, an arm's failures outweigh its latency. */
const MAX_FAILED_SHARE = 0.01;
const METRICS = ['p50', 'p99'] as const;

type GateMetric = (typeof METRICS)[number];
type Difference = { medianMs: number; ci95: Interval | null };
/** What a gate is judged by: the difference to the baseline, the control's to itself, and who failed to answer. */
type Signs = {
  baselineMs: (metric: GateMetric) => number;
  difference: (metric: GateMetric) => Difference;
  control: (metric: GateMetric) => Difference;
  failedShares: { candidate: number; baseline: number };
};
export type GateJudgement = Pick<GateSection, 'outcome' | 'rows' | 'sentence'> & {
  control: NonNullable<GateSection['control']>;
};

/** Windows of an earlier run, as its report.json keeps them. */
export type StoredWindows = readonly StepReport[];

/**
 * Judges the windows of a gate with the arms `tunnel` (the candidate), `baseline` and `control` (the baseline again).
 *
 * p50 and p99 are judged each by its interval and its margin, max(0.3 ms, 10 %) and max(1 ms, 20 %) of the baseline:
 * `fail` only when the whole interval is over the margin, `pass` when it is all under it, `inconclusive` where it holds
 * the margin. A difference that is certain but small never fails, and a p-value is nowhere asked for. With a 95 %
 * interval, a candidate that is no slower than the margin fails at one figure in 2.5 % of all runs at most, and an
 * unchanged one, which has the whole margin for room, practically never.
 *
 * The control is the same tunnel against itself (A/A). Where the median of its difference is over half the margin, what
 * is measured here is the machine: no verdict on anything. Noise alone needs no rule: it widens the interval. A
 * candidate that fails to answer by 1 % of its requests more than the baseline fails whatever its latency: errors are
 * quick. Where both fail over 1 %, there is no verdict.
 * Source: Bulej et al., Duet Benchmarking, ICPE 2020, for the pairing; for margins in place of tests, Schuirmann, J.
 * Pharmacokinet. Biopharm. 15 (1987).
 */
export function judgeGate(steps: readonly StepReport[]): GateJudgement {
  const windows = usableWindows(steps, ['tunnel', 'baseline', 'control']);
  return judge({
    baselineMs: (metric) => roundMs(median(seriesOf(windows, 'baseline', metric))),
    difference: (metric) => pairedDifference(windows, 'tunnel', 'baseline', metric),
    control: (metric) => pairedDifference(windows, 'control', 'baseline', metric),
    failedShares: shares(steps, 'tunnel', failedShare(steps, 'baseline')),
  });
}

/**
 * The same against an earlier run on the same machine: what the tunnel adds to the direct path in each window now, less
 * what it added in each window then. No window of now belongs to one of then, so shift and interval are those of Hodges
 * and Lehmann; the direct arm takes out what the machine as a whole has become slower by. The control is each second
 * window against the one before it: the same tunnel a moment later, at the same load.
 */
export function judgeAgainstStored(steps: readonly StepReport[], stored: StoredWindows): GateJudgement {
  const now = usableWindows(steps, ['tunnel', 'direct']);
  const then = usableWindows(stored, ['tunnel', 'direct']);
  return judge({
    baselineMs: (metric) => roundMs(median(seriesOf(then, 'tunnel', metric))),
    difference: (metric) => {
      const { shift, ci95 } = hodgesLehmann(added(then, metric), added(now, metric));
      return { medianMs: roundMs(shift), ci95: ci95 === null ? null : [roundMs(ci95[0]), roundMs(ci95[1])] };
    },
    control: (metric) => summarized(metric, stepsBetween(added(now, metric))),
    failedShares: shares(steps, 'tunnel', failedShare(stored, 'tunnel')),
  });
}

function added(windows: readonly StepReport[], metric: GateMetric): number[] {
  return differencesOf(windows, 'tunnel', 'direct', metric);
}

/** The second less the first, the fourth less the third, and so on: no value counts twice. */
function stepsBetween(values: readonly number[]): number[] {
  return values.flatMap((value, index) => (index % 2 === 1 ? [value - (values[index - 1] ?? NaN)] : []));
}

const shares = (steps: readonly StepReport[], candidate: ArmName, baseline: number): Signs['failedShares'] => ({
  candidate: failedShare(steps, candidate),
  baseline,
});

function judge({ baselineMs, difference, control, failedShares }: Signs): GateJudgement {
  const marginMs = (metric: GateMetric): number => {
    const { floorMs, share } = MARGINS[metric];
    return roundMs(Math.max(floorMs, share * baselineMs(metric)) || floorMs);
  };
  const rows: GateRow[] = METRICS.map((metric) => {
    const { medianMs, ci95 } = difference(metric);
    const margin = marginMs(metric);
    const outcome = outcomeOf(ci95, margin);
    return { metric, baselineMs: baselineMs(metric), differenceMs: medianMs, ci95, marginMs: margin, outcome };
  });
  const controls = METRICS.map((metric) => {
    const { medianMs, ci95 } = control(metric);
    // A median of no windows is NaN, and fit for nothing.
    const isFit = Math.abs(medianMs) <= CONTROL_SHARE * marginMs(metric);
    return { metric, differenceMs: medianMs, ci95, isFit };
  });
  const answers = answersOf(failedShares);
  const outcome = overall(rows, controls, answers);
  const sentence = gateSentence({ outcome, rows, control: controls, failedShares, answers });
  // Without a window there is no figure, and none is shown.
  const isMeasured = rows.every(({ differenceMs }) => Number.isFinite(differenceMs));
  return isMeasured ? { outcome, rows, control: controls, sentence } : { outcome, rows: [], control: [], sentence };
}

/** What both fail alike is the machine's or the backend's doing, and leaves too few answers to judge by. */
function answersOf({ candidate, baseline }: Signs['failedShares']): Answers {
  if (Math.max(candidate, baseline) <= MAX_FAILED_SHARE) return 'sound';
  return candidate - baseline > MAX_FAILED_SHARE ? 'failing' : 'unclear';
}

function outcomeOf(ci95: Interval | null, marginMs: number): Outcome {
  if (ci95 === null) return 'inconclusive';
  if (ci95[0] > marginMs) return 'fail';
  return ci95[1] < marginMs ? 'pass' : 'inconclusive';
}

/** Errors first, since they make all latencies meaningless; then the machine; then the figures, the worst of them. */
function overall(rows: readonly GateRow[], controls: GateJudgement['control'], answers: Answers): Outcome {
  if (answers !== 'sound') return answers === 'failing' ? 'fail' : 'inconclusive';
  if (controls.some(({ isFit }) => !isFit)) return 'inconclusive';
  if (rows.some(({ outcome }) => outcome === 'fail')) return 'fail';
  return rows.every(({ outcome }) => outcome === 'pass') ? 'pass' : 'inconclusive';
}
