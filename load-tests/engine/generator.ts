import { ArmLoad } from './arm-load.ts';
import { Pacer } from './pacer.ts';
import type { EnginePlan, EngineEvents, StepMeasurement } from './plan.ts';
import type { ProfileStep } from '../profiles/profile.ts';
import { StepRun } from './step-run.ts';

/** Warm-up is small: enough to compile the path and open connections, not enough to disturb anybody. */
const WARM_UP_RATE = 100;
/** Where the warm-up's random numbers come from, so that it does not share a step's. */
const WARM_UP_INDEX = -1;

/** Runs a plan in this thread: warm-up, then the steps one after the other, each waiting for its last answers. */
export class Generator {
  readonly #plan: EnginePlan;
  readonly #events: EngineEvents;
  #current: StepRun | null = null;
  #stopped = false;

  constructor(plan: EnginePlan, events: EngineEvents) {
    this.#plan = plan;
    this.#events = events;
  }

  async run(): Promise<void> {
    const pacer = new Pacer(() => this.#current?.onDue());
    await pacer.ready();
    const arms = this.#plan.arms.map((arm) => new ArmLoad(arm, this.#plan, () => this.#current?.checkIdle()));
    try {
      await this.#warmUp(arms, pacer);
      for (const [index, step] of this.#plan.steps.entries()) {
        if (this.#stopped) break;
        const onProgress = this.#events.onProgress.bind(this.#events);
        this.#events.onStep(await this.#step({ plan: this.#plan, arms, pacer, onProgress }, step, index));
      }
    } finally {
      await Promise.all([pacer.stop(), ...arms.map((arm) => arm.cut())]);
    }
  }

  /** Ends the step under way early and begins no other. */
  stop(): void {
    this.#stopped = true;
    this.#current?.stop();
  }

  async #warmUp(arms: ArmLoad[], pacer: Pacer): Promise<void> {
    const { warmUpS, steps } = this.#plan;
    if (warmUpS === 0) return;
    const rate = Math.min(WARM_UP_RATE, Math.max(...steps.map((step) => step.rate)));
    const context = { plan: this.#plan, arms, pacer, onProgress: () => undefined };
    this.#events.onWarmUp(await this.#step(context, { rate, durationS: warmUpS }, WARM_UP_INDEX));
  }

  async #step(
    context: ConstructorParameters<typeof StepRun>[0],
    step: ProfileStep,
    index: number,
  ): Promise<StepMeasurement> {
    const run = new StepRun(context, step, index);
    this.#current = run;
    if (this.#stopped) run.stop();
    try {
      return await run.run();
    } finally {
      this.#current = null;
    }
  }
}
