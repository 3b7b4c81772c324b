import { HOPS } from '../report/model.ts';
import type { Evidence } from '../report/evidence.ts';
import type { HopName, StepReport } from '../report/model.ts';
import type { ConstantFault } from './constant.ts';
import { starvedHop } from './cause.ts';
import { median } from './statistics.ts';
import { shortOfCpu } from './unfit.ts';

const HALF = 0.5;
/** A delay counts where this part of the steps shows it. */
const MOST_STEPS = 0.75;
/** What a tunnel may add at rates it carries with ease; operators' own baseline for under 100 requests/s. */
const MAX_ADDED_P50_MS = 10;
/** The same for the tail: operators' usual alert. */
const MAX_ADDED_P99_MS = 50;
/** Where the tail is this many times the direct one's at every rate, it need be over the limit at half of them only. */
const TIMES_DIRECT = 10;
/** A generator's lag beyond this part of a delay makes the delay worthless. */
const MAX_LAG_SHARE = 0.2;

/**
 * A delay at most of the rates alike: the median through the tunnel 10 ms over the direct one's, or the p99 50 ms over
 * it; without a direct arm, over what the backend hop has. A lost packet costs the less the more follow it, so a tail that
 * is ten times the direct one's at every rate counts at half of the rates. The hop is the one that holds at least half of it; what is
 * not in any hop (the body, the way to the entry) has no name. Medians hold against a lagging generator; a tail counts
 * only beside a lag that is small against it.
 */
export function delayed(steps: readonly StepReport[]): ConstantFault | null {
  return delayAt(steps, 'p50', MAX_ADDED_P50_MS) ?? delayAt(steps, 'p99', MAX_ADDED_P99_MS);
}

/**
 * The same tail at one rate, where a part of the tunnel is seen not to get the CPU that it needs there. Whatever takes
 * its core comes and goes, so that a higher rate may be carried again: the part's own metrics are the second witness that
 * the other rates are elsewhere. Not where generator or machine lack CPU as well.
 */
export function starvedTail(steps: readonly StepReport[], evidence: Evidence): ConstantFault | null {
  const step = steps.find(
    (each) =>
      isSlow(each, 'p99', MAX_ADDED_P99_MS) &&
      starvedHop(evidence, each.rate, null) !== null &&
      shortOfCpu(evidence, each).length === 0,
  );
  if (step === undefined) return null;
  return delayOf(steps, [step], 'p99', addedBeyond(step, 'p99') ?? 0);
}

function isSlow(step: StepReport, quantile: 'p50' | 'p99', limitMs: number): boolean {
  const added = addedBeyond(step, quantile) ?? 0;
  const lagMs = quantile === 'p50' ? step.generator.lagP50Ms : step.generator.lagP99Ms;
  return added >= limitMs && lagMs <= MAX_LAG_SHARE * added;
}

function delayAt(steps: readonly StepReport[], quantile: 'p50' | 'p99', limitMs: number): ConstantFault | null {
  const slow = steps.filter((step) => isSlow(step, quantile, limitMs));
  const part = quantile === 'p99' && steps.every((step) => isManyTimesDirect(step)) ? HALF : MOST_STEPS;
  if (steps.length === 0 || slow.length < part * steps.length) return null;
  const fault = delayOf(steps, slow, quantile, median(steps.map((step) => addedBeyond(step, quantile) ?? 0)));
  return { ...fault, signs: [`so at ${slow.length} of ${steps.length} rates`, ...fault.signs] };
}

/** A delay of `addedMs`, as the steps in `slow` show it. */
function delayOf(
  steps: readonly StepReport[],
  slow: readonly StepReport[],
  quantile: 'p50' | 'p99',
  addedMs: number,
): ConstantFault {
  const index = steps.indexOf(slow[0] as StepReport);
  const [hop, holdsMs] = holderOf(slow, quantile);
  const against = steps.some(({ arms }) => arms.direct !== undefined) ? 'against direct' : 'beside the backend’s time';
  const symptom = `${quantile} through the tunnel ${addedMs.toFixed(1)} ms more ${against}`;
  const isHolding = holdsMs >= HALF * addedMs;
  const where =
    hop === null ? `${holdsMs.toFixed(1)} ms of it in no hop` : `${hop} hop: ${quantile} ${holdsMs.toFixed(1)} ms`;
  const signs = [isHolding ? where : 'no hop holds most of it'];
  return { kind: 'delay', fault: 'tunnel', hop: isHolding ? hop : null, index, symptom, signs };
}

function isManyTimesDirect({ arms }: StepReport): boolean {
  return arms.direct !== undefined && arms.tunnel.latencyMs.p99 >= TIMES_DIRECT * arms.direct.latencyMs.p99;
}

function addedBeyond({ arms, hopsMs }: StepReport, quantile: 'p50' | 'p99'): number | null {
  if (arms.tunnel.ok === 0) return null;
  if (arms.direct !== undefined) {
    return arms.direct.ok === 0 ? null : arms.tunnel.latencyMs[quantile] - arms.direct.latencyMs[quantile];
  }
  return hopsMs === null ? null : arms.tunnel.latencyMs[quantile] - hopsMs.backend[quantile];
}

/** The hop with most of the time in these steps, null being the time that no hop has; without what the backend needs. */
function holderOf(steps: readonly StepReport[], quantile: 'p50' | 'p99'): [HopName | null, number] {
  const at = (read: (step: StepReport) => number): number => median(steps.map((step) => read(step)));
  let most: [HopName | null, number] = [
    null,
    at(({ arms, hopsMs }) => Math.max(0, arms.tunnel.serviceMs[quantile] - (hopsMs?.total[quantile] ?? 0))),
  ];
  for (const hop of HOPS) {
    const heldMs = at(({ hopsMs, arms }) => {
      const backendMs = hop === 'backend' ? (arms.direct?.latencyMs[quantile] ?? Infinity) : 0;
      return (hopsMs?.[hop][quantile] ?? 0) - backendMs;
    });
    if (heldMs > most[1]) most = [hop, heldMs];
  }
  return most;
}
