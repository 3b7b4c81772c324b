import { addedMs } from '../analysis/added.ts';
import { verdict } from '../analysis/verdict.ts';
import { processesOf } from '../engine/merge.ts';
import { addCounts, mergeHistograms } from '../engine/totals.ts';
import type { DurationHistogram } from '../engine/histogram.ts';
import { percentileCurve } from '../report/curve.ts';
import { ARM_NAMES, TIMED_HOPS } from '../report/model.ts';
import type {
  ArmName,
  ArmReport,
  ArmSecond,
  ByArm,
  HopsReport,
  Latencies,
  LoadReport,
  SecondReport,
  StepReport,
} from '../report/model.ts';
import { worstOf } from './assemble.ts';
import { judgeSteps, parseFailIf } from './fail-if.ts';
import { mergeEvidence, notesOf, wholeRate } from './merge-evidence.ts';
import type { Reports } from './merge-evidence.ts';
import type { MergedStep } from './merge-logs.ts';

export type ArmLogs = ByArm<Map<number, MergedStep>>;

/**
 * One report of several generators that shared one plan: rates and counts added; response times from the merged logs, so
 * that percentiles are those of all requests; the verdict anew. What no log holds (service, lag, hops) cannot be merged:
 * it is that of the worst generator, and of hops the median is the mean of the medians, weighted by requests; the report
 * says so. CPU per request is left out, since each generator knew only of its own requests. Where the reports say which
 * shards they are and some are missing, a note does.
 * @param logs by arm and step index
 */
export function mergeReports(reports: Reports, logs: ArmLogs): LoadReport {
  const [first] = reports;
  const steps = first.steps.map((_, index) =>
    mergeStep(
      reports.map((each) => each.steps[index] as StepReport),
      index,
      logs,
    ),
  );
  const evidence = mergeEvidence(reports, steps, notesOf(reports, steps, logs));
  const thresholds = [...new Set(reports.flatMap((each) => each.thresholds.map(({ expression }) => expression)))];
  const arms = mergeArms(
    reports.map(({ totals }) => totals.arms),
    (name) => wholeOf(logs[name]),
  );
  const { shard: _, ...profile } = first.profile;
  return {
    ...first,
    profile,
    command: 'report',
    startedAt: reports.map(({ startedAt }) => startedAt).sort()[0] ?? first.startedAt,
    stopped: reports.find(({ stopped }) => stopped !== null)?.stopped ?? null,
    steps,
    totals: { durationS: first.totals.durationS, arms },
    thresholds: judgeSteps(
      thresholds.map((expression) => parseFailIf(expression)),
      steps.map(({ rate, arms: { tunnel }, addedMs: added, generator }) => ({ rate, tunnel, added, generator })),
    ),
    generator: worstOf(steps.map(({ generator }) => generator)),
    evidence,
    verdict: verdict(steps, evidence),
    sections: {},
  };
}

function mergeStep(shares: readonly StepReport[], index: number, logs: ArmLogs): StepReport {
  const arms = mergeArms(
    shares.map((share) => share.arms),
    (name) => logs[name]?.get(index)?.all ?? null,
  );
  const seconds = mergeSeconds(shares, (name) => logs[name]?.get(index)?.seconds ?? []);
  const generators = shares.map(({ generator }) => generator);
  const cpus = generators.flatMap(({ cpuPercent }) => cpuPercent ?? []);
  return {
    rate: wholeRate(shares.reduce((sum, { rate }) => sum + rate, 0)),
    durationS: Math.max(...shares.map(({ durationS }) => durationS)),
    complete: shares.every(({ complete }) => complete),
    arms,
    addedMs: arms.direct === undefined ? null : addedMs(arms.tunnel, arms.direct, seconds),
    hopsMs: mergeHops(shares),
    generator: {
      ...worstOf(generators),
      processes: generators.flatMap((each) => processesOf(each)),
      cpuPercent: cpus.length === 0 ? null : Math.max(...cpus),
      maxInFlight: generators.reduce((sum, { maxInFlight }) => sum + maxInFlight, 0),
    },
    seconds,
  };
}

type Arms = StepReport['arms'];

function mergeArms(all: readonly Arms[], logged: (name: ArmName) => DurationHistogram | null): Arms {
  const merged: ByArm<ArmReport> = {};
  for (const name of ARM_NAMES) {
    const shares = all.map((arms) => arms[name]).filter((arm) => arm !== undefined);
    if (shares.length > 0) merged[name] = mergeArm(shares, logged(name));
  }
  return merged as Arms;
}

function mergeArm(shares: readonly ArmReport[], logged: DurationHistogram | null): ArmReport {
  const sum = (read: (arm: ArmReport) => number): number => shares.reduce((total, each) => total + read(each), 0);
  const worst = worstLatencies(shares, (arm) => arm.latencyMs);
  const { mean, min, max } = worst;
  return {
    ...addCounts(shares),
    achievedRate: sum(({ achievedRate }) => achievedRate),
    latencyMs: logged === null ? worst : { ...logged.latencies(), mean, min, max },
    serviceMs: worstLatencies(shares, (arm) => arm.serviceMs),
    lagMs: worstLatencies(shares, (arm) => arm.lagMs),
    inFlightMax: sum(({ inFlightMax }) => inFlightMax),
    ...mergeTold(shares),
    elapsedS: Math.max(...shares.map(({ elapsedS }) => elapsedS)),
    curve: logged === null ? [] : percentileCurve((each) => logged.at(each), logged.count),
  };
}

/** What not every engine or version tells is told of the whole where all have told it. */
function mergeTold(shares: readonly ArmReport[]): Partial<ArmReport> {
  const told: Partial<ArmReport> = {};
  for (const key of ['inFlightMean', 'inFlightMs', 'connects', 'tlsHandshakes', 'tlsResumed'] as const) {
    const values = shares.flatMap((each) => each[key] ?? []);
    if (values.length === shares.length) told[key] = values.reduce((sum, value) => sum + value, 0);
  }
  const limited = shares.flatMap((each) => each.limited ?? []);
  if (limited.length === shares.length) {
    told.limited = {
      count: limited.reduce((sum, { count }) => sum + count, 0),
      retryAfterMaxS: Math.max(...limited.map(({ retryAfterMaxS }) => retryAfterMaxS)),
    };
  }
  const opened = shares.flatMap((each) =>
    each.connectMs === undefined ? [] : [{ ...each, connectMs: each.connectMs }],
  );
  if (opened.length === shares.length) told.connectMs = worstLatencies(opened, ({ connectMs }) => connectMs);
  return told;
}

/** The largest of each figure; of the mean the weighted mean, of the minimum the smallest: those are exact. */
function worstLatencies<Arm extends ArmReport>(shares: readonly Arm[], read: (arm: Arm) => Latencies): Latencies {
  const all = shares.map((each) => read(each));
  const most = (key: keyof Latencies): number => Math.max(...all.map((each) => each[key]));
  const requests = shares.reduce((sum, each) => sum + each.requests, 0);
  const total = shares.reduce((sum, each) => sum + each.requests * read(each).mean, 0);
  return {
    min: Math.min(...shares.filter((each) => each.requests > 0).map((each) => read(each).min), most('max')),
    mean: requests === 0 ? 0 : total / requests,
    p50: most('p50'),
    p75: most('p75'),
    p90: most('p90'),
    p95: most('p95'),
    p99: most('p99'),
    p999: most('p999'),
    max: most('max'),
  };
}

function mergeSeconds(shares: readonly StepReport[], logged: (name: ArmName) => MergedStep['seconds']): SecondReport[] {
  const longest = [...shares].sort((a, b) => b.seconds.length - a.seconds.length)[0]?.seconds ?? [];
  return longest.map(({ atS, lengthS }, index) => {
    const arms: ByArm<ArmSecond> = {};
    for (const name of ARM_NAMES) {
      const same = shares.flatMap(({ seconds }) => seconds[index]?.arms[name] ?? []);
      if (same.length === 0) continue;
      const count = (read: (second: ArmSecond) => number): number => same.reduce((sum, each) => sum + read(each), 0);
      const most = (read: (second: ArmSecond) => number): number => Math.max(...same.map((each) => read(each)));
      const times = logged(name)[index] ?? {
        p50: most(({ p50 }) => p50),
        p99: most(({ p99 }) => p99),
        max: most(({ max }) => max),
      };
      arms[name] = { ok: count(({ ok }) => ok), failed: count(({ failed }) => failed), ...times };
    }
    return { atS, lengthS, arms };
  });
}

function mergeHops(shares: readonly StepReport[]): HopsReport | null {
  const known = shares.flatMap(({ hopsMs, arms }) =>
    hopsMs === null ? [] : [{ hopsMs, requests: arms.tunnel.requests }],
  );
  const requests = known.reduce((sum, each) => sum + each.requests, 0);
  if (requests === 0) return null;
  const hops = TIMED_HOPS.map((hop) => {
    const p50 = known.reduce((sum, each) => sum + each.requests * each.hopsMs[hop].p50, 0) / requests;
    return [hop, { p50, p99: Math.max(...known.map((each) => each.hopsMs[hop].p99)) }] as const;
  });
  return Object.fromEntries(hops) as HopsReport;
}

function wholeOf(steps: Map<number, MergedStep> | undefined): DurationHistogram | null {
  if (steps === undefined) return null;
  const whole = mergeHistograms([]);
  for (const { all } of steps.values()) whole.add(all);
  return whole;
}
