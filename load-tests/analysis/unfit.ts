import type { Evidence } from '../report/evidence.ts';
import type { StepReport } from '../report/model.ts';
import { climbOf } from './climbing.ts';
import { starvedMachine } from './cause.ts';
import type { Degradation } from './knee.ts';
import { isStarved } from './starved.ts';

const PERCENT = 100;
/** A calibration that reached less of what it offered than this has found the generator's ceiling. */
const MIN_CALIBRATED_SHARE = 0.99;

/**
 * The rate was beyond what this generator carried against a server that answers at once: then nobody else is to blame.
 * Only where the calibration found a ceiling; one that carried all it was offered says nothing of higher rates.
 */
export function beyondCalibration({ calibration }: Evidence, { rate, arms }: StepReport): string[] {
  if (calibration === null || calibration.achievedRate >= MIN_CALIBRATED_SHARE * calibration.rate) return [];
  const offered = rate * Object.keys(arms).length;
  if (offered <= calibration.achievedRate) return [];
  return [
    `generator: calibrated at ${calibration.achievedRate.toFixed(0)}/s against a server that answers at once, less than the ${offered}/s offered`,
  ];
}

/** Signs that generator or machine were short of CPU at a step, which lengthens every median: no delay counts then. */
export function shortOfCpu(evidence: Evidence, { rate, generator }: StepReport): string[] {
  const { elu, cpuPercent } = generator;
  const isGenerator = elu !== null && cpuPercent !== null && isStarved(elu, cpuPercent / PERCENT);
  const own = isGenerator ? [`generator: it did not get the CPU it needs at ${rate}/s`] : [];
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
  return [{ index, rate: step.rate, reasons, tailOnly: false, failuresOnly: false }];
}
