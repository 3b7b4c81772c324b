import type { ArmName, ArmReport } from '../report/model.ts';
import { DurationHistogram } from './histogram.ts';
import type { EncodedHistogram } from './histogram.ts';
import type { StepHistograms, StepMeasurement } from './plan.ts';

/** One arm over all steps: counts added, histograms merged, so that percentiles are those of all requests. */
export function mergeArm(steps: readonly StepMeasurement[], arm: ArmName): ArmReport | null {
  const parts = steps
    .map((step) => ({ durationS: step.durationS, report: step.arms[arm], histograms: step.histograms?.[arm] }))
    .filter((part): part is Part => part.report !== undefined && part.histograms !== undefined);
  if (parts.length === 0) return null;
  const sum = (read: (report: ArmReport) => number): number =>
    parts.reduce((total, { report }) => total + read(report), 0);
  const durationS = parts.reduce((total, part) => total + part.durationS, 0);
  const kept = parts.reduce((total, part) => total + part.report.achievedRate * part.durationS, 0);
  const merged = (read: (histograms: StepHistograms) => EncodedHistogram): DurationHistogram => {
    const all = new DurationHistogram();
    for (const { histograms } of parts) all.add(DurationHistogram.decode(read(histograms)));
    return all;
  };
  return {
    requests: sum((report) => report.requests),
    ok: sum((report) => report.ok),
    failed: sum((report) => report.failed),
    dropped: sum((report) => report.dropped),
    achievedRate: durationS > 0 ? kept / durationS : 0,
    latencyMs: merged(({ latency }) => latency).latencies(),
    serviceMs: merged(({ service }) => service).latencies(),
    lagMs: merged(({ lag }) => lag).latencies(),
    statusCodes: addCounts(parts.map(({ report }) => report.statusCodes)),
    errors: addCounts(parts.map(({ report }) => report.errors)),
    errorHops: addCounts(parts.map(({ report }) => report.errorHops)),
    bytesIn: sum((report) => report.bytesIn),
    bytesOut: sum((report) => report.bytesOut),
    inFlightMax: Math.max(...parts.map(({ report }) => report.inFlightMax)),
    elapsedS: sum((report) => report.elapsedS),
  };
}

type Part = { durationS: number; report: ArmReport; histograms: StepHistograms };

function addCounts(all: Record<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
  }
  return total;
}
