import { DurationHistogram } from '../engine/histogram.ts';
import { ARM_NAMES } from '../report/model.ts';
import type { ArmName, ArmReport, CurvePoint, LoadReport } from '../report/model.ts';
import type { Reports } from './merge-evidence.ts';
import type { MergedStep } from './merge-logs.ts';
import type { ArmLogs } from './merge-reports.ts';

/** Of an arm in a step. k6 keeps every value in memory; a file that says more is wrong. */
const MAX_VALUES = 100_000_000;

/**
 * The response times of generators that keep no logs (k6), step by step: each one's curve of percentiles as a histogram,
 * and these added. Null where a report has no curve, as older ones have not.
 */
export function mergeCurves(reports: Reports): ArmLogs | null {
  const logs: ArmLogs = {};
  for (const name of ARM_NAMES) {
    if (reports[0].totals.arms[name] === undefined) continue;
    const steps = reports[0].steps.map((_, index): MergedStep | null => {
      const shares = reports.map((report) => histogramOf(armOf(report, index, name)));
      if (shares.includes(null)) return null;
      const all = new DurationHistogram();
      for (const share of shares) if (share !== null) all.add(share);
      return { all, seconds: [] };
    });
    if (steps.includes(null)) return null;
    logs[name] = new Map(steps.flatMap((step, index) => (step === null ? [] : [[index, step] as const])));
  }
  return logs;
}

function armOf({ steps }: LoadReport, index: number, name: ArmName): ArmReport | undefined {
  return steps[index]?.arms[name];
}

function histogramOf(arm: ArmReport | undefined): DurationHistogram | null {
  if (arm === undefined || arm.requests === 0) return new DurationHistogram();
  const { curve = [], requests } = arm;
  return curve.length === 0 || requests > MAX_VALUES ? null : fromCurve(curve, requests);
}

/**
 * `count` values whose percentiles are those of the curve: exactly at its points, on a straight line between them. (A
 * percentile is the value of the rank percentile × (count − 1), between ranks on a straight line: Hyndman and Fan, Sample
 * Quantiles in Statistical Packages, 1996, type 7; k6 takes the same.)
 */
export function fromCurve(curve: readonly CurvePoint[], count: number): DurationHistogram {
  const histogram = new DurationHistogram();
  let next = 0;
  for (let rank = 0; rank < count; rank += 1) {
    const percentile = count === 1 ? 100 : (100 * rank) / (count - 1);
    while (next < curve.length - 1 && (curve[next]?.[0] ?? 100) < percentile) next += 1;
    const [toPercentile, toMs] = curve[next] ?? [100, 0];
    const [fromPercentile, fromMs] = curve[next - 1] ?? [toPercentile, toMs];
    const width = toPercentile - fromPercentile;
    const share = width === 0 ? 1 : Math.min(1, (percentile - fromPercentile) / width);
    histogram.record(fromMs + share * (toMs - fromMs));
  }
  return histogram;
}
