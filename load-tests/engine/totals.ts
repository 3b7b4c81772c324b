import type { ArmName, ArmReport } from '../report/model.ts';
import { percentileCurve } from '../report/curve.ts';
import { DurationHistogram } from './histogram.ts';
import type { EncodedHistogram } from './histogram.ts';
import type { StepHistograms, StepMeasurement } from './plan.ts';

/** One arm's record of some stretch of time, with the histograms behind it. */
export type ArmPart = { durationS: number; report: ArmReport; histograms: StepHistograms };

/** One arm over all steps: counts added, histograms merged, so that percentiles are those of all requests. */
export function mergeArm(steps: readonly StepMeasurement[], arm: ArmName): ArmReport | null {
  const parts = partsOf(steps, arm);
  if (parts.length === 0) return null;
  const durationS = parts.reduce((total, part) => total + part.durationS, 0);
  const overTime = (read: (report: ArmReport) => number): number =>
    durationS > 0 ? parts.reduce((total, part) => total + read(part.report) * part.durationS, 0) / durationS : 0;
  return {
    ...addUp(parts),
    achievedRate: overTime((report) => report.achievedRate),
    inFlightMax: Math.max(...parts.map(({ report }) => report.inFlightMax)),
    inFlightMean: overTime((report) => report.inFlightMean ?? 0),
    elapsedS: parts.reduce((total, { report }) => total + report.elapsedS, 0),
  };
}

/** One arm of one step, measured by several generators at the same time; its maximum in flight is an upper bound. */
export function mergeParallel(shares: readonly StepMeasurement[], arm: ArmName): ArmPart | null {
  const parts = partsOf(shares, arm);
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first ?? null;
  const sum = (read: (report: ArmReport) => number): number =>
    parts.reduce((total, { report }) => total + read(report), 0);
  const histogram = (read: (histograms: StepHistograms) => EncodedHistogram | undefined): EncodedHistogram =>
    mergeHistograms(parts.map(({ histograms }) => read(histograms))).encode();
  return {
    durationS: Math.max(...parts.map(({ durationS }) => durationS)),
    report: {
      ...addUp(parts),
      achievedRate: sum((report) => report.achievedRate),
      inFlightMax: sum((report) => report.inFlightMax),
      inFlightMean: sum((report) => report.inFlightMean ?? 0),
      elapsedS: Math.max(...parts.map(({ report }) => report.elapsedS)),
    },
    histograms: {
      latency: histogram(({ latency }) => latency),
      service: histogram(({ service }) => service),
      lag: histogram(({ lag }) => lag),
      connect: histogram(({ connect }) => connect),
    },
  };
}

/** All of them in one; what is not there adds nothing. */
export function mergeHistograms(all: readonly (EncodedHistogram | undefined)[]): DurationHistogram {
  const merged = new DurationHistogram();
  for (const each of all) if (each !== undefined) merged.add(DurationHistogram.decode(each));
  return merged;
}

function partsOf(measurements: readonly StepMeasurement[], arm: ArmName): ArmPart[] {
  return measurements.flatMap(({ durationS, arms, histograms }) => {
    const report = arms[arm];
    const own = histograms?.[arm];
    return report === undefined || own === undefined ? [] : [{ durationS, report, histograms: own }];
  });
}

/** The counts alone, which need no histograms. */
export function addCounts(reports: readonly ArmReport[]) {
  const sum = (read: (report: ArmReport) => number): number => reports.reduce((total, each) => total + read(each), 0);
  return {
    requests: sum((report) => report.requests),
    ok: sum((report) => report.ok),
    failed: sum((report) => report.failed),
    dropped: sum((report) => report.dropped),
    statusCodes: addByName(reports.map(({ statusCodes }) => statusCodes)),
    errors: addByName(reports.map(({ errors }) => errors)),
    errorHops: addByName(reports.map(({ errorHops }) => errorHops)),
    bytesIn: sum((report) => report.bytesIn),
    bytesOut: sum((report) => report.bytesOut),
  };
}

/** What is counted alike over steps and over generators. */
function addUp(parts: ArmPart[]) {
  const reports = parts.map(({ report }) => report);
  const sum = (read: (report: ArmReport) => number): number => reports.reduce((total, each) => total + read(each), 0);
  const merged = (read: (histograms: StepHistograms) => EncodedHistogram | undefined): DurationHistogram =>
    mergeHistograms(parts.map(({ histograms }) => read(histograms)));
  const response = merged(({ latency }) => latency);
  return {
    ...addCounts(reports),
    latencyMs: response.latencies(),
    curve: percentileCurve((each) => response.at(each), response.count),
    serviceMs: merged(({ service }) => service).latencies(),
    lagMs: merged(({ lag }) => lag).latencies(),
    inFlightMs: sum((report) => report.inFlightMs ?? report.requests * report.serviceMs.mean),
    limited: {
      count: sum((report) => report.limited?.count ?? 0),
      retryAfterMaxS: Math.max(...reports.map(({ limited }) => limited?.retryAfterMaxS ?? 0)),
    },
    connects: sum((report) => report.connects ?? 0),
    tlsHandshakes: sum((report) => report.tlsHandshakes ?? 0),
    tlsResumed: sum((report) => report.tlsResumed ?? 0),
    connectMs: merged(({ connect }) => connect).latencies(),
  };
}

function addByName(all: Record<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
  }
  return total;
}
