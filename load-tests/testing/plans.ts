import type { ArmName } from '../report/model.ts';
import type { ArmPlan, EngineEvents, EnginePlan, RequestPlan, Progress, StepMeasurement } from '../engine/plan.ts';

/** Of a request. A machine that stands still for seconds must not end one that nobody meant to end. */
const PATIENT_MS = 30_000;

/** A plan of one short step against one address; `changes` say what is special. */
export function makePlan(url: string, changes: Partial<EnginePlan> = {}): EnginePlan {
  return {
    arms: [makeArm('tunnel', url)],
    timeoutMs: PATIENT_MS,
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

/** An arm of one bare GET of `url`; `changes` say what is special about its request. */
export function makeArm(name: ArmName, url: string, ...changes: Partial<RequestPlan>[]): ArmPlan {
  const { origin, pathname, search } = new URL(url);
  const requests = (changes.length === 0 ? [{}] : changes).map((change) => ({
    method: 'GET',
    path: pathname + search,
    headers: [],
    body: null,
    ...change,
  }));
  return { name, origin, requests, protocol: 'http1', tls: null };
}

/** Keeps all that an engine reports. */
export class Journal implements EngineEvents {
  readonly warmUps: StepMeasurement[] = [];
  readonly progress: Progress[] = [];
  readonly steps: StepMeasurement[] = [];
  #onAnswers: (() => void) | null;
  readonly #answers: number;

  /** @param onAnswers called once, with the first progress that tells of so many good answers through the tunnel */
  constructor(onAnswers: (() => void) | null = null, answers = 0) {
    this.#onAnswers = onAnswers;
    this.#answers = answers;
  }

  onWarmUp(measurement: StepMeasurement): void {
    this.warmUps.push(measurement);
  }

  onProgress(progress: Progress): void {
    this.progress.push(progress);
    if ((progress.arms.tunnel?.ok ?? 0) < this.#answers) return;
    this.#onAnswers?.();
    this.#onAnswers = null;
  }

  onStep(measurement: StepMeasurement): void {
    this.steps.push(measurement);
  }
}
