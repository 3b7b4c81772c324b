import type { StepReport, Verdict } from '../report/model.ts';
import { blame } from './blame.ts';
import { generatorFitness } from './fitness.ts';
import { degradedSteps, findDisturbances } from './knee.ts';
import type { Degradation } from './knee.ts';
import { sentence } from './sentence.ts';

/** With fewer requests in all there is nothing to say. */
const MIN_REQUESTS = 50;
/** One sign may be chance; every further one that agrees halves the doubt, roughly. */
const CONFIDENCE_BY_SIGNS = [0.3, 0.6, 0.8, 0.95] as const;

type Bare = Omit<Verdict, 'sentence'>;

/**
 * Whose fault it is, asked in this order at the first step that was not carried: the generator, the backend, the
 * tunnel. Where every step was carried it is nobody's. `inconclusive` is for too little data or nothing to tell by.
 * A step that the generator has spoilt is passed over for a higher one that was not carried either and that it has
 * not: one pause of the machine must not hide a plain answer.
 *
 * The order is what the field learnt at a price: a tunnel was rewritten twice for a backend with one worker. Whoever
 * comes first in the order can make those behind look bad, and not the other way round.
 */
export function verdict(steps: readonly StepReport[]): Verdict {
  const bare = judge(steps);
  return { ...bare, sentence: sentence(bare, steps) };
}

function judge(steps: readonly StepReport[]): Bare {
  const requests = steps.reduce((sum, { arms }) => sum + arms.tunnel.requests + arms.tunnel.dropped, 0);
  if (requests < MIN_REQUESTS) {
    return inconclusive(null, [`only ${requests} requests were measured; ${MIN_REQUESTS} are the least`]);
  }
  const lowestP50Ms = Math.min(...steps.map(({ arms }) => (arms.tunnel.ok > 0 ? arms.tunnel.latencyMs.p50 : Infinity)));
  const fitness = steps.map((step) => generatorFitness(step, Number.isFinite(lowestP50Ms) ? lowestP50Ms : 0));
  const disturbances = findDisturbances(steps, 'tunnel').map(
    ({ rate, reasons }) => `a disturbance at ${rate}/s that higher rates did not show: ${reasons.join('; ')}`,
  );
  const degraded = degradedSteps(steps, 'tunnel');
  const isSpoilt = ({ index }: Degradation): boolean => (fitness[index]?.guilty.length ?? 0) > 0;
  const knee = degraded.find((each) => !isSpoilt(each)) ?? degraded[0];
  if (knee === undefined)
    return carried(
      steps,
      fitness.flatMap((fit) => [...fit.guilty, ...fit.caveats]),
      disturbances,
    );

  const own = fitness[knee.index]?.guilty ?? [];
  const symptom = `through the tunnel at ${knee.rate}/s: ${knee.reasons.join('; ')}`;
  const passedOver = degraded
    .slice(0, degraded.indexOf(knee))
    .map(({ rate, index }) => `passed over ${rate}/s, spoilt: ${fitness[index]?.guilty.join('; ')}`);
  const caveats = [...(fitness[knee.index]?.caveats ?? []), ...passedOver, ...disturbances];
  if (own.length > 0) {
    return found({ fault: 'generator', hop: null, signs: own }, knee, [symptom, ...own, ...caveats]);
  }
  const blamed = blame(steps, knee.index);
  if (blamed === null) {
    const nothing = 'neither a direct arm nor Server-Timing from the tunnel to tell by';
    return inconclusive(knee, [symptom, nothing, ...caveats]);
  }
  return found(blamed, knee, [symptom, ...blamed.signs, ...caveats]);
}

/** Every step carried. What speaks against the generator blurs the figures but has not hidden a fault. */
function carried(steps: readonly StepReport[], doubts: string[], disturbances: string[]): Bare {
  const top = steps.at(-1);
  const evidence = [`every step up to ${top?.rate}/s was carried: not saturated`, ...disturbances, ...doubts];
  const confidence = doubts.length === 0 && disturbances.length === 0 ? 0.95 : 0.8;
  return { fault: 'none', hop: null, at: null, kneeRate: null, confidence, evidence };
}

function found(
  { fault, hop, signs }: { fault: Verdict['fault']; hop: Verdict['hop']; signs: string[] },
  knee: Degradation,
  evidence: string[],
): Bare {
  const confidence = CONFIDENCE_BY_SIGNS[Math.min(signs.length, CONFIDENCE_BY_SIGNS.length - 1)] ?? 0;
  return { fault, hop, at: knee.rate, kneeRate: knee.rate, confidence, evidence };
}

function inconclusive(knee: Degradation | null, evidence: string[]): Bare {
  return {
    fault: 'inconclusive',
    hop: null,
    at: knee?.rate ?? null,
    kneeRate: knee?.rate ?? null,
    confidence: 0,
    evidence,
  };
}
