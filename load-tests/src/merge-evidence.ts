import type { Calibration, Evidence, LimitHit } from '../report/evidence.ts';
import { ARM_NAMES } from '../report/model.ts';
import type { LoadReport, StepReport } from '../report/model.ts';
import type { ArmLogs } from './merge-reports.ts';

const RATE_DIGITS = 6;

export type Reports = readonly [LoadReport, ...LoadReport[]];

/**
 * Limits are the parts' own counts, which every generator that watches them reads: the largest, not the sum; `firstAt` is
 * the earliest that any saw, and the rate of all together.
 */
export function mergeEvidence(reports: Reports, steps: readonly StepReport[], notes: string[]): Evidence {
  const limits = new Map<string, LimitHit & { firstStep: number }>();
  for (const report of reports) {
    for (const { firstAt, ...hit } of report.evidence.limits) {
      const key = `${hit.part} ${hit.limit}`;
      const known = limits.get(key);
      const step = report.steps.findIndex(({ rate }) => rate === firstAt);
      const firstStep = Math.min(step === -1 ? Infinity : step, known?.firstStep ?? Infinity);
      limits.set(key, { ...hit, hits: Math.max(hit.hits, known?.hits ?? 0), firstStep });
    }
  }
  const merged = [...limits.values()].map(({ firstStep, ...hit }): LimitHit => {
    const firstAt = steps[firstStep]?.rate;
    return { ...hit, ...(firstAt !== undefined && { firstAt }) };
  });
  const own = reports.flatMap(({ evidence }) => evidence.notes);
  return {
    ...reports[0].evidence,
    calibration: mergeCalibrations(reports.map(({ evidence }) => evidence.calibration)),
    limits: merged,
    partCpu: [],
    notes: [...new Set([...notes, ...own])],
  };
}

/** What all generators can do together: rates added, times those of the worst. Null where one was not calibrated. */
function mergeCalibrations(all: readonly (Calibration | null)[]): Calibration | null {
  const known = all.filter((each) => each !== null);
  if (known.length < all.length) return null;
  const sum = (read: (each: Calibration) => number): number => known.reduce((total, each) => total + read(each), 0);
  const most = (read: (each: Calibration) => number): number => Math.max(...known.map((each) => read(each)));
  return {
    rate: wholeRate(sum(({ rate }) => rate)),
    achievedRate: wholeRate(sum(({ achievedRate }) => achievedRate)),
    lagP99Ms: most(({ lagP99Ms }) => lagP99Ms),
    serviceP50Ms: most(({ serviceP50Ms }) => serviceP50Ms),
    serviceP99Ms: most(({ serviceP99Ms }) => serviceP99Ms),
    cpuUsPerRequest: most(({ cpuUsPerRequest }) => cpuUsPerRequest),
  };
}

/** Rates that were divided among generators add up to what they were, without the division's last digits. */
export function wholeRate(rate: number): number {
  return Number(rate.toFixed(RATE_DIGITS));
}

/** What a reader must know of how the whole was put together. */
export function notesOf(reports: Reports, steps: readonly StepReport[], logs: ArmLogs): string[] {
  const machines = new Set(reports.map(({ machine, evidence }) => JSON.stringify([machine, evidence.fingerprint])))
    .size;
  const where = machines === 1 ? 'alike machines or one' : `${machines} different machines`;
  const { profile, tool } = reports[0];
  const source = tool.engine === 'k6' ? 'percentiles (straight lines between them)' : 'logs';
  const notes = [
    `merged from ${reports.length} generators on ${where}: response times from their ${source}; service, lag and hops are those of the worst`,
  ];
  const { shard } = profile;
  if (shard !== undefined && shard.count > reports.length) {
    notes.push(`${reports.length} of ${shard.count} shards are here: what the others sent is missing in every figure`);
  }
  for (const [index, { rate, arms }] of steps.entries()) {
    for (const name of ARM_NAMES) {
      const logged = logs[name]?.get(index)?.all.count ?? 0;
      const counted = arms[name]?.requests ?? 0;
      if (logged !== counted)
        notes.push(`the logs hold ${logged} of ${counted} requests of the ${name} arm at ${rate}/s`);
    }
  }
  return notes;
}
