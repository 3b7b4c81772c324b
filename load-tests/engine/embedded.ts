import { Fleet } from './fleet.ts';
import type { Engine, EngineEnd, EngineEvents, EnginePlan } from './plan.ts';

/** Generators in processes of their own: one, or as many as the plan says or its rate needs. */
export const embeddedEngine: Engine = {
  name: 'embedded',
  run: runEmbedded,
};

async function runEmbedded(plan: EnginePlan, events: EngineEvents, signal: AbortSignal): Promise<EngineEnd> {
  if (signal.aborted) return { error: null, totals: null };
  const fleet = new Fleet(plan, events);
  const stop = (): void => fleet.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await fleet.run();
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
