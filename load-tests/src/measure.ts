import type { Engine, EnginePlan, StepMeasurement } from '../engine/plan.ts';
import { DurationHistogram } from '../engine/histogram.ts';
import type { HopMoments } from '../analysis/what-if.ts';
import { TIMED_HOPS } from '../report/model.ts';

/** Runs a plan of one step without a word, and gives that step: whole, or null where it was stopped or broke. */
export async function measureOne(
  engine: Engine,
  plan: EnginePlan,
  signal: AbortSignal | undefined,
): Promise<StepMeasurement | null> {
  let measured: StepMeasurement | null = null;
  const events = {
    onWarmUp: () => undefined,
    onProgress: () => undefined,
    onStep: (measurement: StepMeasurement) => {
      if (measurement.complete) measured = measurement;
    },
  };
  await engine.run(plan, events, signal ?? new AbortController().signal);
  return measured;
}

/** Mean and deviation of the hops of a step's tunnel arm; null where target or engine do not tell them. */
export function hopMoments({ hopHistograms }: StepMeasurement): HopMoments | null {
  if (hopHistograms == null || hopHistograms.length !== TIMED_HOPS.length) return null;
  const moments = hopHistograms.map((encoded, index) => {
    const histogram = DurationHistogram.decode(encoded);
    return [TIMED_HOPS[index], { meanMs: histogram.latencies().mean, deviationMs: histogram.deviationMs }] as const;
  });
  return Object.fromEntries(moments) as HopMoments;
}
