import type { EngineEvents, EnginePlan, Progress, StepMeasurement } from '../engine/plan.ts';

/** A plan of one short step against one address; `changes` say what is special. */
export function makePlan(url: string, changes: Partial<EnginePlan> = {}): EnginePlan {
  return {
    arms: [{ name: 'tunnel', url, headerSets: [[]] }],
    method: 'GET',
    body: null,
    timeoutMs: 2000,
    warmUpS: 0,
    arrivals: 'uniform',
    seed: 1,
    steps: [{ rate: 50, durationS: 0.4 }],
    maxInFlight: 100,
    limits: [],
    abortOnFail: false,
    ...changes,
  };
}

/** Keeps all that an engine reports. */
export class Journal implements EngineEvents {
  readonly warmUps: StepMeasurement[] = [];
  readonly progress: Progress[] = [];
  readonly steps: StepMeasurement[] = [];
  #onFirstProgress: (() => void) | null;

  constructor(onFirstProgress: (() => void) | null = null) {
    this.#onFirstProgress = onFirstProgress;
  }

  onWarmUp(measurement: StepMeasurement): void {
    this.warmUps.push(measurement);
  }

  onProgress(progress: Progress): void {
    this.progress.push(progress);
    this.#onFirstProgress?.();
    this.#onFirstProgress = null;
  }

  onStep(measurement: StepMeasurement): void {
    this.steps.push(measurement);
  }
}
