import { HOPS } from '../report/model.ts';
import type { ArmReport, HopName, StepReport } from '../report/model.ts';
import { growthOf, hopP99, mostGrownHop, p50Of, p99Of, shortfall, unseenGrowth } from './growth.ts';
import type { Growth } from './growth.ts';

const HALF = 0.5;
const MEDIAN_FACTOR = 3;
const FLOOR_MS = 5;
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
 *  (d) there is no direct arm, and the backend hop grew most, or the backend's own error answers are most of the failures.
 * Half, and not all: what waits for a slow backend in the tunnel's queue waits twice. The tail of the direct arm alone
 * is no sign: a tunnel that takes the machine's CPU slows a backend beside it, too.
 * Otherwise the tunnel, with the hop that grew most, or that its error answers name.
 */
export function blame(steps: readonly StepReport[], index: number): Blame | null {
  const step = steps[index];
  if (step === undefined) return null;
  const backend = step.arms.direct === undefined ? backendAlone(steps, index) : backendBeside(steps, index);
  if (backend.length > 0) return { fault: 'backend', hop: null, signs: backend };
  if (step.arms.direct === undefined && step.hopsMs === null && topErrorHop(step.arms.tunnel) === null) return null;
  return tunnelBlame(steps, index);
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

/** Signs against the backend without a direct arm. */
function backendAlone(steps: readonly StepReport[], index: number): string[] {
  const { tunnel } = (steps[index] as StepReport).arms;
  const signs: string[] = [];
  const most = mostGrownHop(steps, index);
  if (most?.hop === 'backend' && most.growth.by > FLOOR_MS) signs.push(`backend hop: p99 ${span(most.growth)}`);
  if (topErrorHop(tunnel) === 'backend') signs.push('the tunnel answered with errors that name the backend');
  const own = Object.values(tunnel.errors).reduce((sum, count) => sum + count, 0);
  const passed = tunnel.failed - own;
  if (tunnel.failed >= MIN_SHORTFALL * tunnel.requests && passed > HALF * tunnel.failed) {
    signs.push(`${passed} error answers came from the backend: ${errorStatuses(tunnel)}`);
  }
  return signs;
}

function tunnelBlame(steps: readonly StepReport[], index: number): Blame {
  const step = steps[index] as StepReport;
  const signs: string[] = [];
  let hop: HopName | null = null;
  const direct = growthOf(steps, index, p99Of('direct'));
  if (direct !== null) signs.push(`direct arm carried the same rate: p99 ${span(direct)}`);
  const most = mostGrownHop(steps, index);
  const unseen = unseenGrowth(steps, index);
  if (unseen !== null && unseen.by > FLOOR_MS && unseen.by > (most?.growth.by ?? 0)) {
    signs.push(`time that no hop saw (before the entry's request event, or the body): p99 ${span(unseen)}`);
  } else if (most !== null && most.growth.by > FLOOR_MS) {
    hop = most.hop;
    signs.push(`${most.hop} hop: p99 ${span(most.growth)}, the most of all`);
  }
  const named = topErrorHop(step.arms.tunnel);
  if (named !== null) {
    hop ??= named;
    signs.push(`the tunnel's error answers name the ${named} hop: ${list(step.arms.tunnel.errors)}`);
  } else if (step.arms.tunnel.failed > 0) {
    signs.push(
      `failures through the tunnel: ${list({ ...step.arms.tunnel.errors, ...failedStatuses(step.arms.tunnel) })}`,
    );
  }
  return { fault: 'tunnel', hop, signs };
}

function topErrorHop(arm: ArmReport): HopName | null {
  const named = HOPS.filter((hop) => (arm.errorHops[hop] ?? 0) > 0);
  named.sort((a, b) => (arm.errorHops[b] ?? 0) - (arm.errorHops[a] ?? 0));
  const top = named[0];
  return top !== undefined && (arm.errorHops[top] ?? 0) >= HALF * arm.failed ? top : null;
}

function failedStatuses(arm: ArmReport): Record<string, number> {
  return Object.fromEntries(Object.entries(arm.statusCodes).filter(([code]) => Number(code) >= 400));
}

const errorStatuses = (arm: ArmReport): string => list(failedStatuses(arm));

function list(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} × ${name}`)
    .join(', ');
}

function span({ from, to }: Growth): string {
  return from === 0 ? `${to.toFixed(1)} ms` : `${from.toFixed(1)} → ${to.toFixed(1)} ms`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
