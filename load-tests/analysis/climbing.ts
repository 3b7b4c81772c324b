import type { ArmName, StepReport } from '../report/model.ts';
import { median } from './statistics.ts';
import { theilSen } from './theil-sen.ts';

/** A second that is cut off, or in which hardly anybody answered, says nothing of its median. */
const MIN_SECOND_S = 0.5;
const MIN_ANSWERS = 5;
/** The rise over the step that counts: this much, and this part of the step's median. */
const MIN_RISE_MS = 5;
const MIN_RISE_SHARE = 0.5;

/** Latency that rises all through a step. */
export type Climb = { risePerS: number; riseMs: number };

/**
 * Whether the arm's latency climbs within the step: then more arrives than leaves, a backlog grows by the same amount
 * each second, and the rate is beyond capacity however good its p99 still is.
 *
 * Derivation: with an arrival rate λ over a capacity μ the backlog after t seconds is (λ − μ)t and an arrival then waits
 * (λ − μ)t / μ: a straight line. Below capacity the wait wanders around a level. Hence the Theil–Sen slope of the
 * per-second medians, which must be positive with its whole interval (`theilSen`, at least 8 seconds), and over the
 * step come to 5 ms and to half of the step's median: near saturation the wait wanders slowly, and ten seconds of that
 * look like a small slope. A single stall does not climb: it jumps and comes down.
 * Null: it does not climb, or the step is too short to tell.
 */
export function climbOf(step: StepReport, arm: ArmName): Climb | null {
  const points = step.seconds.flatMap(({ atS, lengthS, arms }) => {
    const second = arms[arm];
    if (second === undefined || lengthS < MIN_SECOND_S || atS >= step.durationS) return [];
    return second.ok + second.failed < MIN_ANSWERS ? [] : [{ at: atS, value: second.p50 }];
  });
  const line = theilSen(points);
  if (line?.ci95 == null || line.ci95[0] <= 0) return null;
  const riseMs = line.slope * step.durationS;
  const level = median(points.map(({ value }) => value));
  return riseMs < Math.max(MIN_RISE_MS, MIN_RISE_SHARE * level) ? null : { risePerS: line.slope, riseMs };
}

export function isClimbing(step: StepReport, arm: ArmName = 'tunnel'): boolean {
  return climbOf(step, arm) !== null;
}
