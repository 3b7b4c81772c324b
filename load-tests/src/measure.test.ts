import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DurationHistogram } from '../engine/histogram.ts';
import type { StepMeasurement } from '../engine/plan.ts';
import { TIMED_HOPS } from '../report/model.ts';
import { makeStep } from '../testing/steps.ts';
import { hopMoments } from './measure.ts';

function histogramOf(...valuesMs: number[]) {
  const histogram = new DurationHistogram();
  for (const value of valuesMs) histogram.record(value);
  return histogram.encode();
}

/** Two answers of so many bytes: 10 ms in the hops each, 30 ms until the last byte. */
function measured(bytes: number): StepMeasurement {
  const { arms, ...step } = makeStep({ rate: 1, durationS: 2, direct: null });
  const service = histogramOf(30, 30);
  return {
    ...step,
    arms: { tunnel: { ...arms.tunnel, bytesIn: 2 * bytes } },
    hopHistograms: TIMED_HOPS.map(() => histogramOf(10, 10)),
    histograms: { tunnel: { latency: service, service, lag: service } },
  };
}

describe('the hops of a step', () => {
  test('come with the time of long bodies, and not of short ones', () => {
    const { meanMs = NaN } = hopMoments(measured(100_000))?.body ?? {};
    assert.ok(Math.abs(meanMs - 20) < 0.1, `${meanMs}`);
    assert.equal(hopMoments(measured(100))?.body, undefined);
    assert.ok(Math.abs((hopMoments(measured(100))?.backend.meanMs ?? NaN) - 10) < 0.1);
  });
});
