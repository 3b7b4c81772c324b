import type { ArmName, ArmReport, StepReport } from '../report/model.ts';

const ACHIEVED_SHARE = 0.99;
const P99_FACTOR = 3;
/**
 * p99 must also have grown by this much: three times half a millisecond is the scheduler, not a knee, and ratios on a
 * baseline of that size say nothing.
 */
const P99_FLOOR_MS = 5;
/** A tail counts when this part of the step's seconds, and at least two of them, show it by themselves. */
const TAIL_SECONDS_SHARE = 0.25;
const MIN_TAIL_SECONDS = 2;

/**
 * Why a step counts as no longer carried. `tailOnly`: only its p99 says so. `failuresOnly`: nothing was late, dropped or
 * slow; requests failed, and that is all.
 */
export type Degradation = {
  index: number;
  rate: number;
  reasons: string[];
  tailOnly: boolean;
  failuresOnly: boolean;
};

/**
 * The knee: the first step that is no longer carried, which is
 *  - fewer than 99 % of the offered requests answered well and in step with the schedule (`achievedRate`), or
 *  - arrivals dropped, or
 *  - p99 over three times the smallest p99 of this and the lower steps, and at least 5 ms over it, in a quarter of the
 *    step's seconds as in the whole.
 * The last sign alone counts only where it stays: at the last step, or with the next one degraded too. A pause of the
 * machine, with other seconds or higher rates carried all the same, is a disturbance and not a limit.
 *
 * Source: the usual definition of saturation in load testing (throughput no longer follows the offered load, or latency
 * leaves its plateau); Gunther, Guerrilla Capacity Planning, ch. 4–6, for why the two come together.
 */
export function findKnee(steps: readonly StepReport[], arm: ArmName): Degradation | null {
  return degradedSteps(steps, arm)[0] ?? null;
}

/** The knee and every step above it that is not carried either. */
export function degradedSteps(steps: readonly StepReport[], arm: ArmName): Degradation[] {
  const degradations = steps.map((_, index) => degradationOf(steps, index, arm));
  const isLasting = (index: number): boolean => index === steps.length - 1 || degradations[index + 1] !== null;
  return degradations.filter((each): each is Degradation => each !== null && (!each.tailOnly || isLasting(each.index)));
}

/** Steps whose tail alone rose and which higher steps did not confirm. */
export function findDisturbances(steps: readonly StepReport[], arm: ArmName): Degradation[] {
  const knee = findKnee(steps, arm);
  return steps
    .slice(0, knee?.index ?? steps.length)
    .map((_, index) => degradationOf(steps, index, arm))
    .filter((degradation) => degradation !== null);
}

export function degradationOf(steps: readonly StepReport[], index: number, arm: ArmName): Degradation | null {
  const step = steps[index];
  const report = step?.arms[arm];
  if (step === undefined || report === undefined) return null;
  const reasons = [...shortfalls(report, step.durationS)];
  const tailOnly = reasons.length === 0;
  const lowest = baseline(steps.slice(0, index + 1), arm);
  const { p99 } = report.latencyMs;
  const limit = lowest === null ? Infinity : Math.max(P99_FACTOR * lowest, lowest + P99_FLOOR_MS);
  if (lowest !== null && p99 > limit && isSpread(step, arm, limit)) {
    reasons.push(`p99 ${p99.toFixed(1)} ms against ${lowest.toFixed(1)} ms at its lowest`);
  }
  if (reasons.length === 0) return null;
  return {
    index,
    rate: step.rate,
    reasons,
    tailOnly,
    failuresOnly: reasons.length === 1 && isFailing(report, step.durationS),
  };
}

/** Whether a tail is there throughout the step, and not from one pause. Engines without seconds cannot tell. */
function isSpread(step: StepReport, arm: ArmName, limitMs: number): boolean {
  const seconds = step.seconds.map(({ arms }) => arms[arm]).filter((second) => second !== undefined);
  if (seconds.length < MIN_TAIL_SECONDS) return true;
  const bad = seconds.filter((second) => second.p99 > limitMs).length;
  return bad >= Math.max(MIN_TAIL_SECONDS, TAIL_SECONDS_SHARE * seconds.length);
}

/** Whether failures explain the whole shortfall: had they succeeded, the rate was carried. */
function isFailing(arm: ArmReport, durationS: number): boolean {
  const offered = arm.requests + arm.dropped;
  const short = ACHIEVED_SHARE * offered - arm.achievedRate * durationS;
  return arm.dropped === 0 && short > 0 && arm.failed >= short;
}

function* shortfalls(arm: ArmReport, durationS: number): Generator<string> {
  const offered = arm.requests + arm.dropped;
  const kept = arm.achievedRate * durationS;
  if (offered > 0 && kept < ACHIEVED_SHARE * offered) {
    const late = arm.ok - Math.round(kept);
    const failed = arm.failed > 0 ? `, ${arm.failed} failed` : '';
    yield `${((100 * kept) / offered).toFixed(1)} % of the offered load answered in step${failed}${late > 0 ? `, ${late} late` : ''}`;
  }
  if (arm.dropped > 0) yield `${arm.dropped} arrivals dropped with ${arm.inFlightMax} requests outstanding`;
}

/** The smallest p99 of the steps in which the arm answered at all. */
export function baseline(steps: readonly StepReport[], arm: ArmName): number | null {
  const known = steps.map((step) => step.arms[arm]).filter((report) => report !== undefined && report.ok > 0);
  return known.length === 0 ? null : Math.min(...known.map((report) => report?.latencyMs.p99 ?? Infinity));
}
