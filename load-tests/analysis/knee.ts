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

/** At the top rate, which no other confirms, p99 alone counts only beside this rise of p90. */
const P90_FACTOR = 1.5;
/** At the top rate, which no other confirms, late answers alone count from this part of the offered load on. */
const MAX_LATE_SHARE = 0.05;

/**
 * Why a step counts as no longer carried. `failuresOnly`: nothing was late, dropped or slow; requests failed, and that is
 * all. `isPassing`: answers were late, but not throughout the step nor many of them: one pause can do that; or p99
 * grew and p90 did not: a few disturbed moments can.
 */
export type Degradation = {
  index: number;
  rate: number;
  reasons: string[];
  failuresOnly: boolean;
  isPassing: boolean;
};

/**
 * The knee: the first step that is no longer carried, which is
 *  - fewer than 99 % of the offered requests answered well and in step with the schedule (`achievedRate`), or
 *  - arrivals dropped, or
 *  - p99 over three times the smallest p99 at this and the lower rates, and at least 5 ms over it, in a quarter of the
 *    step's seconds as in the whole.
 * Any of them counts only where it lasts: with every whole step of a higher rate degraded too, and every later one of the
 * same rate. What a higher rate carries after all is a disturbance and not a limit. At the top rate, which no other
 * confirms, late answers alone count only where p99 is over its limit throughout the step, or where they are over 5 %: a
 * single pause near the end of a step makes more than one in a hundred late. And p99 alone counts there only where p90
 * has risen with it: what queues for want of capacity makes more than one in a hundred wait (Gunther), and in a step of
 * some hundred requests p99 is one or two of them.
 *
 * Source: the usual definition of saturation in load testing (throughput no longer follows the offered load, or latency
 * leaves its plateau); Gunther, Guerrilla Capacity Planning, ch. 4–6, for why the two come together.
 */
export function findKnee(steps: readonly StepReport[], arm: ArmName): Degradation | null {
  return degradedSteps(steps, arm)[0] ?? null;
}

/** The knee and every step, at this rate or a higher one, that is not carried either; in the order of the run. */
export function degradedSteps(steps: readonly StepReport[], arm: ArmName): Degradation[] {
  return allDegradations(steps, arm).filter(({ isLasting }) => isLasting);
}

/** Steps that were degraded although a higher rate, or the same one later, was carried. */
export function findDisturbances(steps: readonly StepReport[], arm: ArmName): Degradation[] {
  return allDegradations(steps, arm).filter(({ isLasting }) => !isLasting);
}

function allDegradations(steps: readonly StepReport[], arm: ArmName): (Degradation & { isLasting: boolean })[] {
  const all = steps.map((_, index) => degradationOf(steps, index, arm));
  // A step that was cut off has not carried its rate.
  const above = (index: number): number[] =>
    [...steps.keys()].filter((other) => steps[other]?.complete === true && isAbove(steps, other, index));
  const isTop = (index: number): boolean => above(index).length === 0;
  const isDegraded = (index: number): boolean => {
    const degradation = all[index] ?? null;
    return degradation !== null && !(degradation.isPassing && isTop(index));
  };
  return all.flatMap((each) => {
    if (each === null) return [];
    return { ...each, isLasting: isDegraded(each.index) && above(each.index).every((other) => isDegraded(other)) };
  });
}

/** By rate; among equal rates by time. */
function isAbove(steps: readonly StepReport[], other: number, index: number): boolean {
  const [a, b] = [steps[other]?.rate ?? NaN, steps[index]?.rate ?? NaN];
  return a > b || (a === b && other > index);
}

export function degradationOf(steps: readonly StepReport[], index: number, arm: ArmName): Degradation | null {
  const step = steps[index];
  const report = step?.arms[arm];
  if (step === undefined || report === undefined) return null;
  const reasons = [...shortfalls(report, step.durationS)];
  const lowest = baseline(
    steps.filter(({ rate }) => rate <= step.rate),
    arm,
  );
  const { p99 } = report.latencyMs;
  const limit = lowest === null ? Infinity : Math.max(P99_FACTOR * lowest, lowest + P99_FLOOR_MS);
  const isTail = lowest !== null && p99 > limit && isSpread(step, arm, limit);
  const isTailOnly = isTail && reasons.length === 0 && !hasRisen(steps, index, arm);
  const isPassing = isTailOnly || (isLateOnly(report, step.durationS) && !isSpread(step, arm, limit));
  if (isTail) {
    reasons.push(`p99 ${p99.toFixed(1)} ms against ${lowest.toFixed(1)} ms at its lowest`);
  }
  if (reasons.length === 0) return null;
  return {
    index,
    rate: step.rate,
    reasons,
    failuresOnly: reasons.length === 1 && isFailing(report, step.durationS),
    isPassing,
  };
}

/** Whether p90 is well over that of the lower rates. */
function hasRisen(steps: readonly StepReport[], index: number, arm: ArmName): boolean {
  const lower = steps.filter(({ arms }, other) => (arms[arm]?.ok ?? 0) > 0 && isAbove(steps, index, other));
  const p90s = lower.map(({ arms }) => arms[arm]?.latencyMs.p90 ?? Infinity);
  return (steps[index]?.arms[arm]?.latencyMs.p90 ?? 0) > P90_FACTOR * Math.min(...p90s);
}

/** Whether a tail is there throughout the step, and not from one pause. Engines without seconds cannot tell. */
function isSpread(step: StepReport, arm: ArmName, limitMs: number): boolean {
  const seconds = step.seconds.map(({ arms }) => arms[arm]).filter((second) => second !== undefined);
  if (seconds.length < MIN_TAIL_SECONDS) return true;
  const bad = seconds.filter((second) => second.p99 > limitMs).length;
  return bad >= Math.max(MIN_TAIL_SECONDS, TAIL_SECONDS_SHARE * seconds.length);
}

/** Whether late answers, no more of them than one pause may bring, explain the whole shortfall. */
function isLateOnly(arm: ArmReport, durationS: number): boolean {
  const offered = arm.requests + arm.dropped;
  const kept = arm.achievedRate * durationS;
  const isEnough = arm.ok >= ACHIEVED_SHARE * offered;
  return arm.dropped === 0 && isEnough && kept < ACHIEVED_SHARE * offered && arm.ok - kept <= MAX_LATE_SHARE * offered;
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
