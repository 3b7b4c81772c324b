import type { StepReport } from '../report/model.ts';
import type { CapacitySection, CapacityTry, UslFit, WhatIf } from '../report/sections.ts';
import { climbOf } from './climbing.ts';
import { generatorFitness } from './fitness.ts';
import { degradedSteps } from './knee.ts';
import { inFlightOf } from './littles.ts';
import { MIN_ANSWERS } from './paired.ts';
import type { NextTry, Outcome, SearchResult } from './search.ts';
import { rateText } from './rate-text.ts';
import { fitUsl } from './usl.ts';
import type { UslPoint } from './usl.ts';

/** A tried rate with what was measured and what it says. */
export type JudgedTry = NextTry & { outcome: Outcome; reasons: string[]; step: StepReport };

/** Error answers are cheap: from this share on a step's throughput says nothing of the work that could be done. */
const MAX_FAILED_SHARE = 0.01;

/**
 * Was this rate carried? Refused by what makes a knee (`degradedSteps`, with the carried tries below it) or by a latency
 * that climbs within the step (`climbOf`). A refusal that the generator explains is `unfit`: it says nothing; nor does a
 * try of fewer than 20 requests.
 */
export function judgeStep(earlier: readonly JudgedTry[], step: StepReport): Pick<JudgedTry, 'outcome' | 'reasons'> {
  const lower = earlier.filter(({ rate, outcome }) => outcome === 'carried' && rate < step.rate);
  const steps = [...lower.map((each) => each.step), step];
  const { requests, dropped } = step.arms.tunnel;
  if (requests + dropped < MIN_ANSWERS) {
    return { outcome: 'unfit', reasons: [`only ${requests + dropped} requests; ${MIN_ANSWERS} are the least`] };
  }
  const degradation = degradedSteps(steps, 'tunnel').find(({ index }) => index === steps.length - 1);
  const reasons = [...(degradation?.reasons ?? [])];
  const climb = climbOf(step, 'tunnel');
  if (climb !== null) reasons.push(`p50 rises by ${climb.risePerS.toFixed(1)} ms each second of the step`);
  if (reasons.length === 0) return { outcome: 'carried', reasons };
  const lowestP50Ms = Math.min(...steps.map(({ arms }) => arms.tunnel.latencyMs.p50));
  const { guilty } = generatorFitness(step, lowestP50Ms);
  return guilty.length === 0 ? { outcome: 'refused', reasons } : { outcome: 'unfit', reasons: [...guilty, ...reasons] };
}

/** One step for each rate, rising: the last try that says what most of that rate's tries say. */
export function stepsByRate(tries: readonly JudgedTry[]): JudgedTry[] {
  const rates = [...new Set(tries.map(({ rate }) => rate))].sort((a, b) => a - b);
  return rates.flatMap((rate) => {
    const same = tries.filter((each) => each.rate === rate);
    const count = (outcome: Outcome): number => same.filter((each) => each.outcome === outcome).length;
    const said: Outcome = count('refused') > count('carried') ? 'refused' : count('carried') > 0 ? 'carried' : 'unfit';
    return same.findLast(({ outcome }) => outcome === said) ?? [];
  });
}

export function capacitySection(
  tries: readonly JudgedTry[],
  result: SearchResult,
  whatIf: WhatIf[],
  trouble: string | null,
): CapacitySection {
  return {
    tries: tries.map((each) => tryOf(each)),
    knee: result.knee,
    usl: result.knee === null ? null : uslOf(tries),
    whatIf,
    isConfirmed: result.isConfirmed,
    sentence: sentenceOf(tries, result, trouble),
  };
}

function tryOf({ rate, phase, outcome, reasons, step }: JudgedTry): CapacityTry {
  const { achievedRate, latencyMs } = step.arms.tunnel;
  const isCarried = outcome === 'carried';
  return { rate, phase, isCarried, reasons, achievedRate, p50Ms: latencyMs.p50, p99Ms: latencyMs.p99 };
}

function uslOf(tries: readonly JudgedTry[]): UslFit | null {
  return fitUsl(tries.flatMap((each) => (each.outcome === 'unfit' ? [] : uslPoint(each.step))));
}

/**
 * Throughput is what was answered until the last answer; in flight on average, by Little's law, is that times the mean
 * response time, which counts a request from when it was due.
 */
function uslPoint({ arms: { tunnel } }: StepReport): UslPoint[] {
  const { ok, failed, dropped, requests, elapsedS, latencyMs } = tunnel;
  if (elapsedS <= 0 || failed + dropped > MAX_FAILED_SHARE * (requests + dropped)) return [];
  const ratePerS = ok / elapsedS;
  return [{ ratePerS, concurrency: inFlightOf(ratePerS, latencyMs.mean) }];
}

function sentenceOf(tries: readonly JudgedTry[], result: SearchResult, trouble: string | null): string {
  const { knee, carriedRate, refusedRate, isConfirmed, unfitRate } = result;
  const more = [
    ...(unfitRate === null ? [] : [`at ${rate(unfitRate)} ${whyUnfit(tries, unfitRate)}`]),
    ...(trouble === null ? [] : [trouble]),
  ];
  const rest = more.length === 0 ? '' : `; ${more.join('; ')}`;
  if (knee !== null) {
    const sure = isConfirmed ? 'both tried twice' : 'not confirmed';
    return `The knee lies between ${rate(knee.carriedRate)}, carried, and ${rate(knee.refusedRate)}, not carried (${sure})${rest}.`;
  }
  if (carriedRate !== null) return `Not saturated at ${rate(carriedRate)}${rest}.`;
  if (tries.length > 0 && isUnanswered(tries)) return `Not one request was answered well, at any rate${rest}.`;
  if (refusedRate !== null) return `Not even ${rate(refusedRate)} was carried${rest}.`;
  return tries.length === 0 ? `Nothing was measured${rest}.` : `No rate could be judged${rest}.`;
}

/** Nobody answered well in any try: nothing was found out about a capacity. */
export function isUnanswered(tries: readonly JudgedTry[]): boolean {
  return tries.every(({ step }) => step.arms.tunnel.ok === 0);
}

function whyUnfit(tries: readonly JudgedTry[], unfitRate: number): string {
  const { requests = 0, dropped = 0 } = tries.find((each) => each.rate === unfitRate)?.step.arms.tunnel ?? {};
  const isFew = requests + dropped < MIN_ANSWERS;
  return isFew ? 'too few requests were made to tell' : 'the generator or its machine was not fit to tell';
}

function rate(value: number): string {
  return `${rateText(value)} requests/s`;
}
