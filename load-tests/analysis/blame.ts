import { NO_EVIDENCE } from '../report/evidence.ts';
import type { Evidence } from '../report/evidence.ts';
import type { HopName, StepReport } from '../report/model.ts';
import { answersOf, errorStatuses, list, ownErrors, topErrorHop } from './failures.ts';
import { degradationOf } from './knee.ts';
import { growthOf, hopP99, mostGrownHop, p50Of, p99Of, shortfall, unseenGrowth } from './growth.ts';
import type { Growth } from './growth.ts';
import { HELD_HOPS, behindQueue, limitSigns, hopOfLimit, starvedHop } from './cause.ts';

const HALF = 0.5;
const QUARTER = 0.25;
const MEDIAN_FACTOR = 3;
const FLOOR_MS = 5;
/** A request that waited less found a free slot. */
const FREE_SLOT_MS = 0.5;
const MIN_SHORTFALL = 0.01;

/** Who, and the independent signs for it. */
export type Blame = { fault: 'backend' | 'tunnel'; hop: HopName | null; signs: string[] };

/**
 * Backend or tunnel, at a step that is no longer carried and whose generator is fit. Null: nothing to tell by.
 *
 * The backend, when
 *  (a) the direct arm's p99 grew by at least half of what the tunnel's grew by and, where hops are known, so did the
 *      backend hop of the tunnel arm; or
 *  (b) the direct arm fell short of the offered load by at least half of what the tunnel did; or
 *  (c) the direct arm's median tripled: then requests wait in the tunnel because the backend is slow; or
 *  (d) requests queue for a slot and the direct arm is past its own knee; or
 *  (e) there is no direct arm, and the backend hop grew most, or the backend's own error answers are most of the failures.
 * Half, and not all: what waits for a slow backend in the tunnel's queue waits twice. The tail of the direct arm alone
 * is no sign: a tunnel that takes the machine's CPU slows a backend beside it, too.
 * Otherwise the tunnel, with the hop that grew most, or that its error answers name; behind a queue, with what holds the
 * slots (`behindQueue`), and where a part was short of CPU, with that part (`starvedHop`).
 */
export function blame(steps: readonly StepReport[], index: number, evidence: Evidence = NO_EVIDENCE): Blame | null {
  const step = steps[index];
  if (step === undefined) return null;
  const beside = step.arms.direct === undefined ? backendAlone(steps, index) : backendBeside(steps, index);
  const backend = beside.length > 0 ? beside : backendBehindQueue(steps, index);
  if (backend.length > 0) return { fault: 'backend', hop: null, signs: backend };
  if (step.arms.direct === undefined && step.hopsMs === null && topErrorHop(step.arms.tunnel) === null) return null;
  return tunnelBlame(steps, index, evidence);
}

/** Signs against the backend from the direct arm. */
function backendBeside(steps: readonly StepReport[], index: number): string[] {
  const step = steps[index] as StepReport;
  const signs: string[] = [];
  const tunnel = growthOf(steps, index, p99Of('tunnel'));
  const direct = growthOf(steps, index, p99Of('direct'));
  const hop = growthOf(steps, index, hopP99('backend'));
  const isHalf = (growth: Growth | null): boolean => (growth?.by ?? 0) >= HALF * (tunnel?.by ?? Infinity);
  if (direct !== null && direct.by > FLOOR_MS && isHalf(direct) && (hop === null || isHalf(hop))) {
    signs.push(`direct arm: p99 ${span(direct)}, through the tunnel ${span(tunnel ?? direct)}`);
  }
  const short = shortfall(step, 'direct');
  if (short >= MIN_SHORTFALL && short >= HALF * shortfall(step, 'tunnel')) {
    signs.push(`direct arm: ${percent(short)} of the offered load not answered well and in step`);
  }
  const median = growthOf(steps, index, p50Of('direct'));
  if (median !== null && index > 0 && median.by > FLOOR_MS && median.to > MEDIAN_FACTOR * median.from) {
    signs.push(`direct arm: p50 ${span(median)}`);
  }
  if (signs.length > 0 && hop !== null && hop.by > FLOOR_MS) signs.push(`backend hop: p99 ${span(hop)}`);
  return signs;
}

/**
 * Requests queue for a slot, and the direct arm does not carry the rate either: the backend holds the slots. More of them
 * would only queue at the backend instead. A direct arm that grew by less than a quarter of what the tunnel did is just
 * disturbed by the same machine: but where most requests do not wait at all the slots are enough (by Little's law, the
 * median time they are held), the queue is made in bursts, and what held the slots in those is the hop whose tail grew
 * most. The backend's own tail is cut short by them: who waits for a slot does not wait at the backend.
 */
function backendBehindQueue(steps: readonly StepReport[], index: number): string[] {
  const direct = degradationOf(steps, index, 'direct');
  const hop = growthOf(steps, index, hopP99('backend'));
  if (direct === null || mostGrownHop(steps, index)?.hop !== 'queue' || (hop?.by ?? 0) <= FLOOR_MS) return [];
  const [through, beside] = [growthOf(steps, index, p99Of('tunnel')), growthOf(steps, index, p99Of('direct'))];
  const isJustDisturbed = (beside?.by ?? 0) < QUARTER * (through?.by ?? Infinity);
  if (isJustDisturbed && !isBurstOfBackend(steps, index)) return [];
  return [
    `direct arm: no longer carried either: ${direct.reasons.join('; ')}`,
    `requests queue for slots that the backend holds: backend hop: p99 ${hop === null ? '' : span(hop)}`,
  ];
}

/** The median request found a free slot, and of all that a slot is held for, the tail of the backend grew most. */
function isBurstOfBackend(steps: readonly StepReport[], index: number): boolean {
  if ((steps[index]?.hopsMs?.queue.p50 ?? Infinity) > FREE_SLOT_MS) return false;
  const grownBy = (hop: HopName): number => growthOf(steps, index, hopP99(hop))?.by ?? 0;
  return HELD_HOPS.every((hop) => grownBy(hop) <= grownBy('backend'));
}

/** Signs against the backend without a direct arm. */
function backendAlone(steps: readonly StepReport[], index: number): string[] {
  const { tunnel } = (steps[index] as StepReport).arms;
  const signs: string[] = [];
  const most = mostGrownHop(steps, index);
  if (most?.hop === 'backend' && most.growth.by > FLOOR_MS) signs.push(`backend hop: p99 ${span(most.growth)}`);
  if (topErrorHop(tunnel) === 'backend') signs.push('the tunnel answered with errors that name the backend');
  const passed = tunnel.failed - ownErrors(tunnel);
  if (tunnel.failed >= MIN_SHORTFALL * tunnel.requests && passed > HALF * tunnel.failed) {
    signs.push(`${passed} error answers came from the backend: ${errorStatuses(tunnel)}`);
  }
  return signs;
}

function tunnelBlame(steps: readonly StepReport[], index: number, evidence: Evidence): Blame {
  const step = steps[index] as StepReport;
  const { tunnel } = step.arms;
  const signs: string[] = [];
  const direct = growthOf(steps, index, p99Of('direct'));
  if (direct !== null) signs.push(`direct arm carried the same rate: p99 ${span(direct)}`);
  const grown = grownMost(steps, index, signs);
  const named = topErrorHop(tunnel);
  if (named !== null) signs.push(`the tunnel's error answers name the ${named} hop: ${list(tunnel.errors)}`);
  else if (tunnel.failed > 0) signs.push(`failures through the tunnel: ${answersOf(tunnel)}`);
  const hop = grown ?? named;
  const behind = hop === 'queue' ? behindQueue(steps, index) : undefined;
  if (behind !== undefined) signs.push(behind.sign);
  const suspect = behind === undefined ? hop : behind.hop;
  const starved = starvedHop(evidence, step.rate, suspect);
  if (starved !== null) signs.push(starved.sign);
  signs.push(...limitSigns(evidence, step.rate));
  return { fault: 'tunnel', hop: starved?.hop ?? suspect ?? hopOfLimit(evidence, step.rate), signs };
}

/** The hop that grew most; null where it was time in no hop, undefined where nothing grew. */
function grownMost(steps: readonly StepReport[], index: number, signs: string[]): HopName | null | undefined {
  const most = mostGrownHop(steps, index);
  const unseen = unseenGrowth(steps, index);
  if (unseen !== null && unseen.by > FLOOR_MS && unseen.by > (most?.growth.by ?? 0)) {
    signs.push(`time that no hop saw (before the entry's request event, or the body): p99 ${span(unseen)}`);
    return null;
  }
  if (most === null || most.growth.by <= FLOOR_MS) return undefined;
  signs.push(`${most.hop} hop: p99 ${span(most.growth)}, the most of all`);
  return most.hop;
}

function span({ from, to }: Growth): string {
  return from === 0 ? `${to.toFixed(1)} ms` : `${from.toFixed(1)} → ${to.toFixed(1)} ms`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
