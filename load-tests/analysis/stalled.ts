import { HOPS } from '../report/model.ts';
import type { ArmName, ArmReport, StepReport } from '../report/model.ts';
import type { ConstantFault } from './constant.ts';
import { rateText } from './rate-text.ts';

const HALF = 0.5;
/** Had the whole machine stood still, the generator's longest lag would be as long as the stall. */
const MAX_STALL_LAG_SHARE = 0.5;
/** A generator that is late in more than one request of a hundred by this part of the stall is short of CPU itself. */
const MAX_TAIL_LAG_SHARE = 0.1;
/** A stall that people notice. */
const MIN_STALL_MS = 500;
/** In a stall much of what is answered is late, not one request of many. */
const STALL_MEDIAN_FACTOR = 2;
const MIN_ANSWERS = 5;

/**
 * A second whose p99 is half a second or more and whose median is twice the step's, with the generator itself in time:
 * had the whole machine paused, its lag would be as long. The backend's, when the direct arm stalled as well within a
 * second of it; nobody's, when the direct arm's p99 then was over half of the tunnel's, since both were held up;
 * otherwise the tunnel's.
 */
export function stalled(steps: readonly StepReport[]): ConstantFault | null {
  for (const [index, step] of steps.entries()) {
    for (const [place, { atS, arms }] of step.seconds.entries()) {
      if (!isStall(arms.tunnel, step.arms.tunnel)) continue;
      const { p99, max } = arms.tunnel;
      if (step.arms.tunnel.lagMs.max > MAX_STALL_LAG_SHARE * max) continue;
      if (step.generator.lagP99Ms > MAX_TAIL_LAG_SHARE * max) continue;
      const near = step.seconds.slice(Math.max(0, place - 1), place + 2).map(({ arms: { direct } }) => direct);
      const isBoth = near.some((direct) => isStall(direct, step.arms.direct));
      if (!isBoth && near.some((direct) => (direct?.p99 ?? 0) > HALF * p99)) continue;
      const symptom = `a stall at ${rateText(step.rate)}/s, ${atS.toFixed(0)} s into the step: p99 of that second ${p99.toFixed(0)} ms`;
      const signs = isBoth ? ['the direct arm stalled in the same second'] : ['the direct arm did not stall'];
      const hop = HOPS.find((each) => (step.hopsMs?.[each].p99 ?? 0) >= HALF * max) ?? null;
      if (hop !== null) signs.push(`${hop} hop: p99 ${step.hopsMs?.[hop].p99.toFixed(0)} ms`);
      if (step.arms.direct === undefined && hop === null) continue;
      const isBackend = isBoth || (step.arms.direct === undefined && hop === 'backend');
      const whose = isBackend ? ({ fault: 'backend', hop: null } as const) : ({ fault: 'tunnel', hop } as const);
      return { kind: 'stall', ...whose, index, symptom, signs };
    }
  }
  return null;
}

type Second = StepReport['seconds'][number]['arms'][ArmName];

function isStall(second: Second, arm: ArmReport | undefined): second is NonNullable<Second> {
  if (second === undefined || arm === undefined || second.ok + second.failed < MIN_ANSWERS) return false;
  return second.p99 >= MIN_STALL_MS && second.p50 >= STALL_MEDIAN_FACTOR * arm.latencyMs.p50;
}
