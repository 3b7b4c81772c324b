import type { EnginePlan, Progress, StepMeasurement } from './plan.ts';

/**
 * To a generator's process. `begin`: the step it is ready for begins at that time of `monotonicMs()`. `stop`: no more
 * arrivals, wait briefly for what is in flight, report, end.
 */
export type ToGenerator = { type: 'run'; plan: EnginePlan } | { type: 'begin'; startMs: number } | { type: 'stop' };

/** What is said of a step: `ready` for it, then many `progress` (none in the warm-up) and one measurement. */
export type StepMessage =
  | { type: 'ready' }
  | { type: 'warm-up'; measurement: StepMeasurement }
  | { type: 'progress'; progress: Progress }
  | { type: 'step'; measurement: StepMeasurement };

/** From a generator's process: of the warm-up, of each step, and then how it ended. */
export type FromGenerator = StepMessage | { type: 'end' } | { type: 'failed'; message: string };
