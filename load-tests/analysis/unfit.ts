import type { Evidence } from '../report/evidence.ts';
import type { ArmName, StepReport } from '../report/model.ts';
import { climbOf } from './climbing.ts';
import { starvedMachine } from './cause.ts';
import type { Degradation } from './knee.ts';
import { rateText } from './rate-text.ts';
import { starvedProcess } from './starved.ts';

/** A calibration that reached less of what it offered than this has found the generator's ceiling. */
const MIN_CALIBRATED_SHARE = 0.99;

/**
 * The rate was beyond what this generator carried against a server that answers at once: then nobody else is to blame.
 * Only where the calibration found a ceiling; one that carried all it was offered says nothing of higher rates. Arms that
 * were measured apart were offered nothing meanwhile.
 */
export function beyondCalibration({ calibration }: Evidence, { rate, arms, apart = [] }: StepReport): string[] {
  if (calibration === null || calibration.achievedRate >= MIN_CALIBRATED_SHARE * calibration.rate) return [];
  const together = (Object.keys(arms) as ArmName[]).filter((name) => !apart.includes(name));
  const offered = rate * together.length;
  if (offered <= calibration.achievedRate) return [];
  return [
    `generator: calibrated at ${rateText(calibration.achievedRate)}/s against a server that answers at once, less than the ${rateText(offered)}/s offered`,
  ];
}

/** Signs that generator or machine were short of CPU at a step, which lengthens every median: no delay counts then. */
export function shortOfCpu(evidence: Evidence, { rate, generator }: StepReport): string[] {
  const own =
    starvedProcess(generator) !== null ? [`generator: it did not get the CPU it needs at ${rateText(rate)}/s`] : [];
  return [...own, ...starvedMachine(evidence, rate)];
}

/**
 * The last step, if latency climbs all through it: that rate is beyond capacity though its figures still pass. Lower
 * steps are not asked: had they left a backlog, the next one would not have been carried.
 */
export function climbingAtTop(steps: readonly StepReport[]): Degradation[] {
  const index = steps.length - 1;
  const step = steps[index];
  const climb = step === undefined ? null : climbOf(step, 'tunnel');
  if (step === undefined || climb === null) return [];
  const reasons = [`p50 rises by ${climb.risePerS.toFixed(1)} ms each second of the step`];
  return [{ index, rate: step.rate, reasons, failuresOnly: false, isPassing: false }];
}
