import type { EnginePlan, Progress, StepMeasurement } from './plan.ts';

/** To the generator's process. `stop`: no more arrivals, wait briefly for what is in flight, report, end. */
export type ToGenerator = { type: 'run'; plan: EnginePlan } | { type: 'stop' };

/** From the generator's process, in this order: `warm-up`, then per step many `progress` and one `step`, then `end`. */
export type FromGenerator =
  | { type: 'warm-up'; measurement: StepMeasurement }
  | { type: 'progress'; progress: Progress }
  | { type: 'step'; measurement: StepMeasurement }
  | { type: 'end' }
  | { type: 'failed'; message: string };
