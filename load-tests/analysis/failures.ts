import { HOPS } from '../report/model.ts';
import type { ArmReport, HopName } from '../report/model.ts';

const HALF = 0.5;
const FIRST_FAILED_STATUS = 400;

type Failures = Pick<ArmReport, 'failed' | 'errors' | 'errorHops' | 'statusCodes'>;

/** The hop that at least half of an arm's failures name; only the tunnel's own error answers name one. */
export function topErrorHop(arm: Failures): HopName | null {
  const named = HOPS.filter((hop) => (arm.errorHops[hop] ?? 0) > 0);
  named.sort((a, b) => (arm.errorHops[b] ?? 0) - (arm.errorHops[a] ?? 0));
  const top = named[0];
  return top !== undefined && (arm.errorHops[top] ?? 0) >= HALF * arm.failed ? top : null;
}

/** Failures that were no answer, or an answer of the tunnel's own. The rest came from the backend. */
export function ownErrors(arm: Failures): number {
  return Object.values(arm.errors).reduce((sum, count) => sum + count, 0);
}

export function failedStatuses(arm: Pick<Failures, 'statusCodes'>): Record<string, number> {
  return Object.fromEntries(Object.entries(arm.statusCodes).filter(([code]) => Number(code) >= FIRST_FAILED_STATUS));
}

export const errorStatuses = (arm: Failures): string => list(failedStatuses(arm));
export const answersOf = (arm: Failures): string => list({ ...arm.errors, ...failedStatuses(arm) });

export function list(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} × ${name}`)
    .join(', ');
}
