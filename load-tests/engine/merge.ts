import { ARM_NAMES } from '../report/model.ts';
import type { ArmReport, ArmSecond, ByArm, GeneratorReport, HopsReport, SecondReport } from '../report/model.ts';
import { BoundedSeconds } from './bounded-seconds.ts';
import { DurationHistogram } from './histogram.ts';
import type { EncodedHistogram } from './histogram.ts';
import type { Progress, StepHistograms, StepMeasurement } from './plan.ts';
import { hopsReport } from './step-measurement.ts';
import { addCounts, mergeHistograms, mergeParallel } from './totals.ts';

/** Rates that were divided among generators add up to what they were, without the division's last digits. */
const RATE_DIGITS = 6;

/**
 * One step as several generators measured it, each its share: counts and rates added, histograms merged, and the
 * generator's health that of the worst one, since the slowest of them is what a figure may be blamed on.
 * @param seconds merged already, since a measurement's seconds hold no histograms
 */
export function mergeMeasurements(
  shares: readonly [StepMeasurement, ...StepMeasurement[]],
  seconds: SecondReport[],
): StepMeasurement {
  if (shares.length === 1) return shares[0];
  const arms: ByArm<ArmReport> = {};
  const histograms: ByArm<StepHistograms> = {};
  for (const name of ARM_NAMES) {
    const part = mergeParallel(shares, name);
    if (part === null) continue;
    arms[name] = part.report;
    histograms[name] = part.histograms;
  }
  const rate = shares.reduce((sum, share) => sum + share.rate, 0);
  const hops = mergeHops(shares);
  return {
    rate: Number(rate.toFixed(RATE_DIGITS)),
    durationS: Math.max(...shares.map(({ durationS }) => durationS)),
    complete: shares.every(({ complete }) => complete),
    arms,
    hopsMs: hops?.report ?? null,
    hopHistograms: hops?.histograms ?? null,
    generator: mergeGenerators(shares),
    seconds,
    histograms,
  };
}

function mergeHops(shares: readonly StepMeasurement[]): { report: HopsReport; histograms: EncodedHistogram[] } | null {
  const known = shares.map(({ hopHistograms }) => hopHistograms ?? null).filter((each) => each !== null);
  const [first] = known;
  if (first === undefined) return null;
  const merged = first.map((_, index) => mergeHistograms(known.map((hops) => hops[index])));
  return { report: hopsReport(merged), histograms: merged.map((hop) => hop.encode()) };
}

function mergeGenerators(shares: readonly StepMeasurement[]): GeneratorReport {
  const all = shares.map(({ generator }) => generator);
  const known = (read: (each: GeneratorReport) => number | null): number[] =>
    all.map((each) => read(each)).filter((value) => value !== null);
  const lag = mergeHistograms(
    shares.flatMap(({ histograms }) => Object.values(histograms ?? {}).map((arm) => arm.lag)),
  );
  const cpuPercents = known(({ cpuPercent }) => cpuPercent);
  return {
    lagP50Ms: lag.at(50),
    lagP99Ms: lag.at(99),
    elu: most(known(({ elu }) => elu)),
    cpuPercent: cpuPercents.length === 0 ? null : cpuPercents.reduce((sum, each) => sum + each, 0),
    processes: all.flatMap((each) => processesOf(each)),
    sentRatio: Math.min(...all.map(({ sentRatio }) => sentRatio)),
    stealPercent: most(known(({ stealPercent }) => stealPercent)),
    throttledPercent: most(known(({ throttledPercent }) => throttledPercent)),
    maxInFlight: all.reduce((sum, each) => sum + each.maxInFlight, 0),
  };
}

/** What each process of a generator did. */
export function processesOf(generator: GeneratorReport): NonNullable<GeneratorReport['processes']> {
  const { elu, cpuPercent, processes = [{ elu, cpuPercent }] } = generator;
  return processes;
}

/** Merges the seconds of one step as they come in; `SecondReport`s carry no histograms, so the latencies are kept here. */
export class SecondsMerge {
  readonly #latencies: ByArm<DurationHistogram> = {};
  readonly #seconds = new BoundedSeconds();

  get seconds(): SecondReport[] {
    return this.#seconds.all();
  }

  /**
   * The same second of every generator, in one; service and lag so far are those of the slowest generator.
   * @param latest the last of every generator: one that has ended the step before the others has no such second
   */
  merge(shares: readonly [Progress, ...Progress[]], latest: readonly Progress[]): Progress {
    const [first] = shares;
    const merged: Progress = {
      stepIndex: first.stepIndex,
      elapsedS: Math.max(...shares.map(({ elapsedS }) => elapsedS)),
      arms: {},
      second: { atS: first.second.atS, lengthS: Math.max(...shares.map(({ second }) => second.lengthS)), arms: {} },
      histograms: {},
    };
    for (const name of ARM_NAMES) {
      const figures = shares.map(({ second }) => second.arms[name]).filter((each) => each !== undefined);
      if (figures.length === 0) continue;
      const histogram = mergeHistograms(shares.map(({ histograms }) => histograms[name]));
      const soFar = (this.#latencies[name] ??= new DurationHistogram());
      soFar.add(histogram);
      merged.second.arms[name] = armSecond(figures, histogram);
      merged.histograms[name] = histogram.encode();
      const reports = latest.map(({ arms }) => arms[name]).filter((each) => each !== undefined);
      merged.arms[name] = reportSoFar(reports, soFar);
    }
    this.#seconds.add(merged.second);
    return merged;
  }
}

function most(values: number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}

function armSecond(figures: readonly ArmSecond[], histogram: DurationHistogram): ArmSecond {
  return {
    ok: figures.reduce((sum, { ok }) => sum + ok, 0),
    failed: figures.reduce((sum, { failed }) => sum + failed, 0),
    p50: histogram.at(50),
    p99: histogram.at(99),
    max: histogram.at(100),
  };
}

function reportSoFar(reports: ArmReport[], latency: DurationHistogram): ArmReport {
  const sum = (read: (report: ArmReport) => number): number => reports.reduce((total, each) => total + read(each), 0);
  const slowest = [...reports].sort((a, b) => b.serviceMs.p99 - a.serviceMs.p99)[0] as ArmReport;
  return {
    ...slowest,
    ...addCounts(reports),
    achievedRate: sum(({ achievedRate }) => achievedRate),
    latencyMs: latency.latencies(),
    inFlightMax: sum(({ inFlightMax }) => inFlightMax),
  };
}
