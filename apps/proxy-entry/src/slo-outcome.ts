/** What an answer is to the service level objectives. Pure. */
import type { Problem } from './problems.ts';

export type Outcome = 'good' | 'bad' | 'no-event';

const NOT_IMPLEMENTED = 501;
const VERSION = 505;
const LOOP = 508;

/**
 * Bad: a 5xx, of the backend or of ours, and an answer that was cut, save for those 5xx that say that the request was at
 * fault. No event: the visitor left before the head (`status` 0), we refused what the visitor asked for, or answered
 * without the tunnel what needs no backend (a redirect, a challenge, OPTIONS for us). All else is good, a 4xx of the
 * backend too, and an answer whose visitor left in its midst.
 *
 * @param isRelayed the request was sent to a server, once or more.
 * @param problem why we answered ourselves, or cut an answer that had begun.
 */
export function outcomeOf(status: number, problem: Problem | null, isRelayed: boolean): Outcome {
  const judged = problem === null ? status : problem.status;
  if (judged >= 500 && judged !== NOT_IMPLEMENTED && judged !== VERSION && judged !== LOOP) return 'bad';
  return problem === null && status !== 0 && isRelayed ? 'good' : 'no-event';
}
