import { HOPS } from '../report/model.ts';
import type { ArmName, HopName, StepReport } from '../report/model.ts';

/** How a figure stands at a step against its smallest value at the lower steps (0 where there is no lower step). */
export type Growth = { from: number; to: number; by: number };

/** Growth over the lower steps of what `read` takes from a step; null where this step does not have it. */
export function growthOf(
  steps: readonly StepReport[],
  index: number,
  read: (step: StepReport) => number | undefined,
): Growth | null {
  const step = steps[index];
  const to = step === undefined ? undefined : read(step);
  if (to === undefined) return null;
  const lower = steps
    .slice(0, index)
    .map((each) => read(each))
    .filter((value) => value !== undefined);
  const from = lower.length === 0 ? 0 : Math.min(...lower);
  return { from, to, by: to - from };
}

export const p99Of =
  (arm: ArmName) =>
  (step: StepReport): number | undefined =>
    step.arms[arm]?.latencyMs.p99;
export const p50Of =
  (arm: ArmName) =>
  (step: StepReport): number | undefined =>
    step.arms[arm]?.latencyMs.p50;
export const hopP99 =
  (hop: HopName) =>
  (step: StepReport): number | undefined =>
    step.hopsMs?.[hop].p99;

/** The hop whose p99 grew most; null without hops. */
export function mostGrownHop(steps: readonly StepReport[], index: number): { hop: HopName; growth: Growth } | null {
  let most: { hop: HopName; growth: Growth } | null = null;
  for (const hop of HOPS) {
    const growth = growthOf(steps, index, hopP99(hop));
    if (growth !== null && (most === null || growth.by > most.growth.by)) most = { hop, growth };
  }
  return most;
}

/**
 * Growth of the time that no hop saw: before the entry's 'request' event (accept queue, the entry's event loop), the
 * way to the entry, and from the head to the last byte. The difference of two p99 is not the p99 of a difference, but
 * it is large only where the one is.
 */
export function unseenGrowth(steps: readonly StepReport[], index: number): Growth | null {
  return growthOf(steps, index, (step) =>
    step.hopsMs === null ? undefined : Math.max(0, step.arms.tunnel.serviceMs.p99 - step.hopsMs.total.p99),
  );
}

/** The part of the offered load that was not answered well and in step, 0 to 1. */
export function shortfall(step: StepReport, arm: ArmName): number {
  const report = step.arms[arm];
  const offered = report === undefined ? 0 : report.requests + report.dropped;
  if (report === undefined || offered === 0) return 0;
  return Math.max(0, 1 - (report.achievedRate * step.durationS) / offered);
}

/**
 * The most that the backend answered well in any step, requests per second over both arms, since both ask the same one
 * (the better of them, where they were not measured together).
 * Where the direct arm no longer keeps up this is the backend's own ceiling, give or take what error answers cost it.
 */
export function mostAnswered(steps: readonly StepReport[]): number {
  const rates = steps.map(({ arms: { tunnel, direct }, apart = [] }) => {
    const [one = 0, other = 0] = (direct === undefined ? [tunnel] : [tunnel, direct]).map(
      ({ ok, elapsedS, achievedRate }) => Math.max(achievedRate, elapsedS > 0 ? ok / elapsedS : 0),
    );
    return apart.includes('direct') ? Math.max(one, other) : one + other;
  });
  return Math.max(0, ...rates);
}
