import { monotonicMs } from '../engine/clock.ts';
import { Generator } from '../engine/generator.ts';
import type { EnginePlan, StepMeasurement } from '../engine/plan.ts';
import type { ArmReport } from '../report/model.ts';
import { Journal } from './plans.ts';

const LEAD_MS = 10;

/**
 * One generator in this thread instead of a process of its own: quicker to start, and its errors are thrown here.
 * @param stop ends the step under way: a closed loop is better ended by what it has sent than by the clock
 */
export async function runInThread(
  plan: EnginePlan,
  stop?: AbortSignal,
  journal = new Journal(),
): Promise<{ step: StepMeasurement; tunnel: ArmReport }> {
  const generator = new Generator(plan, journal, () => Promise.resolve(monotonicMs() + LEAD_MS));
  stop?.addEventListener('abort', () => generator.stop(), { once: true });
  await generator.run();
  const [step] = journal.steps;
  const tunnel = step?.arms.tunnel;
  if (step === undefined || tunnel === undefined) throw new Error('the plan has no step or no tunnel arm');
  return { step, tunnel };
}
