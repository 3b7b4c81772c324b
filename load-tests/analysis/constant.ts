import type { Evidence } from '../report/evidence.ts';
import type { Fault, HopName, StepReport } from '../report/model.ts';
import { delayed, starvedTail } from './delayed.ts';
import { failing } from './failing.ts';
import { stalled } from './stalled.ts';

/** A fault that no rate brings: it is there at rates that are carried, too. `index`: the step that shows it best. */
export type ConstantFault = {
  kind: 'failures' | 'delay' | 'stall';
  fault: Exclude<Fault, 'none' | 'inconclusive'>;
  hop: HopName | null;
  index: number;
  symptom: string;
  signs: string[];
};

/**
 * Faults without a knee, in this order: answers that fail now and then; a delay that is there from the lowest rate on;
 * a stall of a second or so; a tail at some rate beside a part that lacks CPU. A ramp shows none of these as a limit, and
 * each of them is what somebody sees as "slow".
 */
export function constantFault(steps: readonly StepReport[], evidence: Evidence): ConstantFault | null {
  return failing(steps) ?? delayed(steps) ?? stalled(steps) ?? starvedTail(steps, evidence);
}
