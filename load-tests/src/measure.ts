import type { Engine, EnginePlan, StepMeasurement } from '../engine/plan.ts';
import { DurationHistogram } from '../engine/histogram.ts';
import type { EncodedHistogram } from '../engine/histogram.ts';
import type { HopMoments, Moments } from '../analysis/what-if.ts';
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

/** Answers of fewer bytes come with their head: what no hop saw then was spent before the entry. */
const MIN_BODY_BYTES = 16_384;

/** Mean and deviation of the hops of a step's tunnel arm; null where target or engine do not tell them. */
export function hopMoments({ hopHistograms, histograms, arms }: StepMeasurement): HopMoments | null {
  if (hopHistograms == null || hopHistograms.length !== TIMED_HOPS.length) return null;
  const moments = hopHistograms.map((encoded, index) => [TIMED_HOPS[index], momentsOf(encoded)] as const);
  const hops = Object.fromEntries(moments) as HopMoments;
  const { requests = 0, bytesIn = 0 } = arms.tunnel ?? {};
  const service = histograms?.tunnel?.service;
  if (service === undefined || bytesIn < MIN_BODY_BYTES * requests) return hops;
  return { ...hops, body: less(momentsOf(service), hops.total) };
}

function momentsOf(encoded: EncodedHistogram): Moments {
  const histogram = DurationHistogram.decode(encoded);
  return { meanMs: histogram.latencies().mean, deviationMs: histogram.deviationMs };
}

/** What is left of the whole without a part of it, as if that and the rest varied by themselves. */
function less(whole: Moments, part: Moments): Moments {
  return {
    meanMs: Math.max(0, whole.meanMs - part.meanMs),
    deviationMs: Math.sqrt(Math.max(0, whole.deviationMs ** 2 - part.deviationMs ** 2)),
  };
}
