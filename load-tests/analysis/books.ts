import { ms } from '../report/format.ts';
import type { ArmName, StepReport } from '../report/model.ts';
import type { BooksAudit } from '../report/sections.ts';
import { auditBooks } from './littles.ts';

/**
 * Little's law over the windows of one rate, taken together: what was seen in flight against what rate and latency
 * account for; see `auditBooks`. Samples end with the step, and so does the time in flight they are held against
 * (`inFlightMs`; of the whole service where the engine does not tell). Null where too little was in flight, or the engine did not look.
 */
export function audit(steps: readonly StepReport[], name: ArmName): BooksAudit | null {
  let durationS = 0;
  let requests = 0;
  let inFlightS = 0;
  let inFlightMs = 0;
  for (const { arms, durationS: lengthS, complete } of steps) {
    const arm = arms[name];
    if (!complete || arm?.inFlightMean === undefined) continue;
    durationS += lengthS;
    requests += arm.requests;
    inFlightS += arm.inFlightMean * lengthS;
    inFlightMs += arm.inFlightMs ?? arm.serviceMs.mean * arm.requests;
  }
  if (durationS === 0 || requests === 0) return null;
  const found = auditBooks(inFlightS / durationS, requests / durationS, inFlightMs / requests);
  if (found === null) return null;
  const { expected, sampled, isBalanced } = found;
  const figures = `${ms(sampled)} requests were in flight on average, and rate × latency makes ${ms(expected)}`;
  const sentence = isBalanced ? null : `the books do not balance (Little’s law): ${figures}`;
  return { expected, sampled, isBalanced, sentence };
}
