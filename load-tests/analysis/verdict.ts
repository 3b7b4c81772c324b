import { NO_EVIDENCE } from '../report/evidence.ts';
import type { Evidence } from '../report/evidence.ts';
import type { StepReport, Verdict } from '../report/model.ts';
import { blame } from './blame.ts';
import { hopOfLimit, limitSigns, starvedHop, starvedMachine } from './cause.ts';
import { constantFault } from './constant.ts';
import type { ConstantFault } from './constant.ts';
import { failing, failingPlainly } from './failing.ts';
import { generatorFitness, unfitThroughout } from './fitness.ts';
import type { Fitness } from './fitness.ts';
import { degradedSteps, findDisturbances } from './knee.ts';
import type { Degradation } from './knee.ts';
import { rateText } from './rate-text.ts';
import { sentence } from './sentence.ts';
import { beyondCalibration, climbingAtTop, shortOfCpu } from './unfit.ts';
import { audit } from './books.ts';

/** With fewer requests in all there is nothing to say. */
const MIN_REQUESTS = 50;
/** One sign may be chance; every further one that agrees halves the doubt, roughly. */
const CONFIDENCE_BY_SIGNS = [0.3, 0.6, 0.8, 0.95] as const;

type Bare = Omit<Verdict, 'sentence'>;
type Blamed = { fault: Verdict['fault']; hop: Verdict['hop']; signs: readonly string[] };

/**
 * Whose fault it is, asked in this order at the first step that was not carried: the generator, the backend, the
 * tunnel. Where every step was carried there may still be a fault that no rate brings (`constantFault`), or a generator
 * that was late throughout; otherwise it is nobody's. `inconclusive` is for too little data or nothing to tell by.
 * A step that the generator has spoilt is passed over for a higher one that was not carried either and that it has
 * not: one pause of the machine must not hide a plain answer.
 *
 * The order is what the field learnt at a price: a tunnel was rewritten twice for a backend with one worker. Whoever
 * comes first in the order can make those behind look bad, and not the other way round.
 * @param evidence what the parts' metrics say: limits that were reached, parts short of CPU
 */
export function verdict(steps: readonly StepReport[], evidence: Evidence = NO_EVIDENCE): Verdict {
  const bare = judge(steps, evidence);
  return { ...bare, sentence: sentence(bare, steps) };
}

function judge(steps: readonly StepReport[], evidence: Evidence): Bare {
  const requests = steps.reduce((sum, { arms }) => sum + arms.tunnel.requests + arms.tunnel.dropped, 0);
  if (requests < MIN_REQUESTS) {
    return inconclusive(null, [`only ${requests} requests were measured; ${MIN_REQUESTS} are the least`]);
  }
  const lowestP50Ms = Math.min(...steps.map(({ arms }) => (arms.tunnel.ok > 0 ? arms.tunnel.latencyMs.p50 : Infinity)));
  const fitness = steps.map((step) => generatorFitness(step, Number.isFinite(lowestP50Ms) ? lowestP50Ms : 0));
  const disturbances = findDisturbances(steps, 'tunnel').map(
    ({ rate, reasons }) => `a disturbance at ${rateText(rate)}/s that did not last: ${reasons.join('; ')}`,
  );
  const limits = degradedSteps(steps, 'tunnel');
  const degraded = limits.length > 0 ? limits : climbingAtTop(steps);
  const unfit = (each: Degradation): string[] => [
    ...(fitness[each.index]?.guilty ?? []),
    ...(each.failuresOnly ? [] : starvedMachine(evidence, each.rate)),
    ...beyondCalibration(evidence, steps[each.index] as StepReport),
  ];
  const isSpoilt = (each: Degradation): boolean => unfit(each).length > 0;
  const knee = degraded.find((each) => !isSpoilt(each)) ?? degraded[0];
  if (knee === undefined) return withoutKnee(steps, evidence, fitness, disturbances);

  const own = unfit(knee);
  const symptom = `through the tunnel at ${rateText(knee.rate)}/s: ${knee.reasons.join('; ')}`;
  const passedOver = degraded
    .slice(0, degraded.indexOf(knee))
    .map((each) => `passed over ${rateText(each.rate)}/s, spoilt: ${unfit(each).join('; ')}`);
  const books = audit([steps[knee.index] as StepReport], 'tunnel')?.sentence ?? null;
  const caveats = [
    ...(fitness[knee.index]?.caveats ?? []),
    ...(books === null ? [] : [books]),
    ...passedOver,
    ...disturbances,
  ];
  if (own.length > 0) {
    const plain = failingPlainly(steps);
    if (plain !== null) {
      const blamed = withLimits(plain, evidence, knee.rate);
      return found(blamed, steps[plain.index]?.rate ?? null, null, [
        plain.symptom,
        ...blamed.signs,
        ...own,
        ...caveats,
      ]);
    }
    return found({ fault: 'generator', hop: null, signs: own }, knee.rate, knee.rate, [symptom, ...own, ...caveats]);
  }
  const failed = knee.failuresOnly ? failing(steps) : null;
  const blamed = failed === null ? blame(steps, knee.index, evidence) : withLimits(failed, evidence, knee.rate);
  if (blamed === null) {
    const nothing = 'neither a direct arm nor Server-Timing from the tunnel to tell by';
    return inconclusive(knee.rate, [symptom, nothing, ...caveats]);
  }
  return found(blamed, knee.rate, knee.rate, [symptom, ...blamed.signs, ...caveats]);
}

/** Every step was carried: a fault that no rate brings, a generator that was late throughout, or nobody's. */
function withoutKnee(
  steps: readonly StepReport[],
  evidence: Evidence,
  fitness: readonly Fitness[],
  disturbances: string[],
): Bare {
  const constant = constantFault(steps, evidence);
  if (constant !== null) {
    const { rate } = steps[constant.index] as StepReport;
    const short = constant.kind !== 'delay' ? [] : shortOfCpu(evidence, steps[constant.index] as StepReport);
    const blamed: Blamed =
      short.length > 0 ? { fault: 'generator', hop: null, signs: short } : withLimits(constant, evidence, rate);
    return found(blamed, rate, null, [constant.symptom, ...blamed.signs, ...disturbances]);
  }
  const late = unfitThroughout(steps);
  if (late !== null) {
    return found({ fault: 'generator', hop: null, signs: late }, steps[0]?.rate ?? null, null, late);
  }
  const doubts = fitness.flatMap(({ guilty, caveats }) => [...guilty, ...caveats]);
  return carried(steps, doubts, disturbances);
}

/** The same with the limits that were reached and the parts that starved, which name a hop where nothing else does. */
function withLimits(fault: ConstantFault, evidence: Evidence, rate: number): Blamed {
  if (fault.fault !== 'tunnel') return fault;
  const starved = fault.kind === 'delay' ? starvedHop(evidence, rate, fault.hop) : null;
  const signs = [...fault.signs, ...(starved === null ? [] : [starved.sign]), ...limitSigns(evidence, rate)];
  const hop = starved?.hop ?? fault.hop ?? (fault.kind === 'failures' ? hopOfLimit(evidence, rate) : null);
  return { fault: 'tunnel', hop, signs };
}

/** Every step carried. What speaks against the generator blurs the figures but has not hidden a fault. */
function carried(steps: readonly StepReport[], doubts: string[], disturbances: string[]): Bare {
  const top = steps.at(-1);
  const evidence = [
    `every step up to ${rateText(top?.rate ?? 0)}/s was carried: not saturated`,
    ...disturbances,
    ...doubts,
  ];
  const confidence = doubts.length === 0 && disturbances.length === 0 ? 0.95 : 0.8;
  return { fault: 'none', hop: null, at: null, kneeRate: null, confidence, evidence };
}

function found({ fault, hop, signs }: Blamed, at: number | null, kneeRate: number | null, evidence: string[]): Bare {
  const confidence = CONFIDENCE_BY_SIGNS[Math.min(signs.length, CONFIDENCE_BY_SIGNS.length - 1)] ?? 0;
  return { fault, hop, at, kneeRate, confidence, evidence };
}

function inconclusive(at: number | null, evidence: string[]): Bare {
  return { fault: 'inconclusive', hop: null, at, kneeRate: at, confidence: 0, evidence };
}
