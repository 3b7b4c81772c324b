import { GENERATOR_KINDS, SLOWNESS_KINDS } from '../engine/error-kinds.ts';
import type { ArmName, ArmReport, StepReport } from '../report/model.ts';
import type { ConstantFault } from './constant.ts';
import { answersOf, errorStatuses, failedStatuses, list, ownErrors, topErrorHop } from './failures.ts';

/** Failures count from this many, and this share of all requests, on: fewer may be a chance, or one lost connection. */
export const MIN_FAILURES = 3;
export const MIN_FAILED_SHARE = 0.002;
const HALF = 0.5;
const REFUSALS = ['429', '503', '504'] as const;

/**
 * Failures over all steps taken together, since one in a hundred is seen too seldom within one step. The backend's, when
 * the direct arm fails at least half as often (or alone: a tunnel that asks again can hide it); or, without a direct arm,
 * when most error answers came from behind the tunnel. The generator's, when it ran out of ports or descriptors.
 * Otherwise the tunnel's, with the hop that its error answers name.
 */
export function failing(steps: readonly StepReport[]): ConstantFault | null {
  const tunnel = pooled(steps, 'tunnel');
  const direct = pooled(steps, 'direct');
  const isTunnel = tunnel !== null && matters(tunnel);
  const isDirect = direct !== null && matters(direct);
  if (!isTunnel && !isDirect) return null;
  const shares = steps.map(({ arms }) => shareOf(isTunnel ? arms.tunnel : (arms.direct ?? arms.tunnel)));
  const index = shares.indexOf(Math.max(...shares));
  const through = `through the tunnel ${count(tunnel)}`;
  const common = {
    kind: 'failures',
    index,
    symptom: `failures: ${through}${direct === null ? '' : `, directly ${count(direct)}`}`,
  } as const;
  const own = GENERATOR_KINDS.reduce((sum, kind) => sum + (tunnel?.errors[kind] ?? 0) + (direct?.errors[kind] ?? 0), 0);
  if (own > HALF * ((tunnel?.failed ?? 0) + (direct?.failed ?? 0))) {
    const signs = [`generator: ${own} requests failed for want of its own ports or descriptors`];
    return { ...common, fault: 'generator', hop: null, signs };
  }
  if (direct !== null && isDirect && shareOf(direct) >= HALF * shareOf(tunnel)) {
    return { ...common, fault: 'backend', hop: null, signs: directSigns(direct, tunnel) };
  }
  if (tunnel === null) return null;
  const passed = tunnel.failed - ownErrors(tunnel);
  if (direct === null && passed > HALF * tunnel.failed) {
    const signs = [`${passed} error answers came from the backend: ${errorStatuses(tunnel)}`];
    return { ...common, fault: 'backend', hop: null, signs };
  }
  const signs = [`the tunnel’s: ${answersOf(tunnel)}`, ...limitedSigns(steps)];
  return { ...common, fault: 'tunnel', hop: topErrorHop(tunnel), signs };
}

function limitedSigns(steps: readonly StepReport[]): string[] {
  const limited = steps.reduce((sum, { arms }) => sum + (arms.tunnel.limited?.count ?? 0), 0);
  return limited === 0 ? [] : [`${limited} of them for coming too often (429, or 503 with Retry-After): a rate limit`];
}

/**
 * The same, of failures alone that no lateness explains: neither timeouts nor refusals (429, 503, 504), which a burst of
 * a late generator may bring about. A reset or a 500 stays one, however busy the machine is.
 */
export function failingPlainly(steps: readonly StepReport[]): ConstantFault | null {
  const isPlain = (['tunnel', 'direct'] as const).some((name) => {
    const arm = pooled(steps, name);
    if (arm === null) return false;
    const late = SLOWNESS_KINDS.reduce((sum, kind) => sum + (arm.errors[kind] ?? 0), 0);
    const refused = REFUSALS.reduce((sum, status) => sum + (arm.statusCodes[status] ?? 0), 0);
    return matters({ ...arm, failed: arm.failed - late - refused });
  });
  return isPlain ? failing(steps) : null;
}

function directSigns(direct: Pooled, tunnel: Pooled | null): string[] {
  const signs = [`direct arm: ${list({ ...direct.errors, ...failedStatuses(direct) })}`];
  if (tunnel !== null && tunnel.failed > 0 && topErrorHop(tunnel) === 'backend') {
    signs.push('the tunnel’s error answers name the backend');
  } else if (tunnel !== null && tunnel.failed - ownErrors(tunnel) > HALF * tunnel.failed) {
    signs.push(`through the tunnel the backend’s own: ${errorStatuses(tunnel)}`);
  }
  return signs;
}

type Pooled = Pick<ArmReport, 'requests' | 'failed' | 'errors' | 'errorHops' | 'statusCodes'>;

function pooled(steps: readonly StepReport[], name: ArmName): Pooled | null {
  const arms = steps.flatMap(({ arms: { [name]: arm } }) => arm ?? []);
  if (arms.length === 0) return null;
  const sum = (read: (arm: ArmReport) => number): number => arms.reduce((all, arm) => all + read(arm), 0);
  return {
    requests: sum(({ requests }) => requests),
    failed: sum(({ failed }) => failed),
    errors: merged(arms.map(({ errors }) => errors)),
    errorHops: merged(arms.map(({ errorHops }) => errorHops)),
    statusCodes: merged(arms.map(({ statusCodes }) => statusCodes)),
  };
}

function merged(all: readonly Record<string, number>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, value] of all.flatMap((each) => Object.entries(each))) counts[name] = (counts[name] ?? 0) + value;
  return counts;
}

function matters({ requests, failed }: Pooled): boolean {
  return failed >= MIN_FAILURES && failed >= MIN_FAILED_SHARE * requests;
}

function shareOf(arm: Pooled | null): number {
  return arm === null || arm.requests === 0 ? 0 : arm.failed / arm.requests;
}

function count(arm: Pooled | null): string {
  return arm === null ? 'none' : `${arm.failed} of ${arm.requests}`;
}
