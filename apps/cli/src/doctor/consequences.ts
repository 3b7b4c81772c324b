/** What visitors are refused for, where a line on the state of something already says why. Pure. */
import { pageOf } from './finding.ts';
import type { Finding } from './finding.ts';

/** By the page of a cause the pages of what comes of it. */
const CONSEQUENCES: ReadonlyMap<string, readonly string[]> = new Map(
  (
    [
      ['SP_QUEUE_FULL', ['SP_QUEUE_FULL', 'SP_QUEUE_TIMEOUT']],
      ['SP_NO_CLIENT', ['SP_NO_CLIENT']],
      ['SallyportBackendDown', ['SP_BACKEND_REFUSED']],
      ['SP_BACKEND_REFUSED', ['SP_BACKEND_REFUSED']],
      ['SallyportBackendFailing', ['SP_BACKEND_REFUSED', 'SP_BACKEND_RESET', 'SP_BACKEND_TIMEOUT', 'SP_BAD_HEAD']],
      ['SallyportNoUplink', ['SP_NO_SERVER']],
    ] as const
  ).map(([cause, effects]) => [pageOf(cause), effects.map(pageOf)]),
);

/** Checks of what is counted; all others tell of a state. */
const COUNTED: ReadonlySet<string> = new Set(['refused', 'limit']);

/** Consequences as one finding (`info`) behind the others, so that a fault is one line. */
export function foldConsequences(findings: readonly Finding[]): Finding[] {
  const faults = findings.filter(({ status }) => status === 'fail');
  const causes = faults.filter(({ check }) => !COUNTED.has(check));
  const explained = new Set(causes.flatMap(({ page = '' }) => CONSEQUENCES.get(page) ?? []));
  const effects = faults.filter(({ check, page = '' }) => COUNTED.has(check) && explained.has(page));
  if (effects.length === 0) return [...findings];
  const message = `what comes of it: ${effects.map((each) => each.message).join('; ')}`;
  return [...findings.filter((each) => !effects.includes(each)), { status: 'info', check: 'follows', message }];
}
