import { DEFAULT_GAP_S } from '../k6/lib/plan.ts';
import type { EngineEvents, EnginePlan } from './plan.ts';

const MS_PER_S = 1000;

/** Says when, by the plan, each step begins, for an engine that says nothing itself until it has ended. */
export class PlanClock {
  readonly #timers: NodeJS.Timeout[];

  /** Begins now. At most as many timers as steps. */
  constructor({ warmUpS, steps }: Pick<EnginePlan, 'warmUpS' | 'steps'>, events: EngineEvents) {
    let startS = warmUpS > 0 ? warmUpS + DEFAULT_GAP_S : 0;
    this.#timers = steps.map(({ durationS }, index) => {
      const timer = setTimeout(() => events.onStepDue?.(index), startS * MS_PER_S);
      startS += durationS + DEFAULT_GAP_S;
      return timer;
    });
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
