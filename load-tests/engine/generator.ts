import { ArmLoad } from './arm-load.ts';
import type { Exchange } from './exchange.ts';
import { Pacer } from './pacer.ts';
import type { EnginePlan, EngineEvents, StepMeasurement } from './plan.ts';
import type { ProfileStep } from '../profiles/profile.ts';
import { StepRun } from './step-run.ts';
import type { StepContext } from './step-run.ts';

/** Warm-up is small: enough to compile the path and open connections, not enough to disturb anybody. */
const WARM_UP_RATE = 100;
/** Where the warm-up's random numbers come from, so that it does not share a step's. */
const WARM_UP_INDEX = -1;

/** Says when the next step may begin, on the clock of `monotonicMs()`; several generators begin it together. */
export type Gate = () => Promise<number>;

/** Runs a plan in this thread: warm-up, then the steps one after the other, each waiting for its last answers. */
export class Generator {
  readonly #plan: EnginePlan;
  readonly #events: EngineEvents;
  readonly #gate: Gate;
  #current: StepRun | null = null;
  #stopped = false;

  constructor(plan: EnginePlan, events: EngineEvents, gate: Gate) {
    this.#plan = plan;
    this.#events = events;
    this.#gate = gate;
  }

  /** @throws Error when a certificate of the plan cannot be used */
  async run(): Promise<void> {
    const pacer = new Pacer(() => this.#current?.onDue());
    await pacer.ready();
    const onEnded = (arm: ArmLoad, exchange: Exchange): void => this.#current?.onEnded(arm, exchange);
    const arms: ArmLoad[] = [];
    const onProgress = this.#events.onProgress.bind(this.#events);
    const context: StepContext = { plan: this.#plan, arms, pacer, onProgress, turns: new Map() };
    try {
      for (const arm of this.#plan.arms) arms.push(new ArmLoad(arm, this.#plan, onEnded));
      await this.#warmUp(context);
      for (const [index, step] of this.#plan.steps.entries()) {
        if (this.#stopped) break;
        this.#events.onStep(await this.#step(context, step, index));
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

  async #warmUp(context: StepContext): Promise<void> {
    const { warmUpS, steps, shard } = this.#plan;
    if (warmUpS === 0) return;
    const topRate = Math.max(...steps.map((step) => step.rate)) / (shard?.count ?? 1);
    const step = { rate: Math.min(WARM_UP_RATE, topRate), durationS: warmUpS };
    const apart = { ...context, onProgress: () => undefined, turns: new Map() };
    this.#events.onWarmUp(await this.#step(apart, step, WARM_UP_INDEX));
  }

  async #step(context: StepContext, step: ProfileStep, index: number): Promise<StepMeasurement> {
    const startMs = await this.#gate();
    const run = new StepRun(context, { step, index, startMs });
    this.#current = run;
    if (this.#stopped) run.stop();
    try {
      return await run.run();
    } finally {
      this.#current = null;
    }
  }
}
