import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StepMeasurement } from '../engine/plan.ts';
import { makePlan } from '../testing/plans.ts';
import { makeStep } from '../testing/steps.ts';
import type { StepShape } from '../testing/steps.ts';
import { LiveMetrics, MAX_LIVE_STEPS } from './live-metrics.ts';
import { parsePrometheusText, select, sumOf } from './prometheus-text.ts';
import type { Sample } from './prometheus-text.ts';

const plan = makePlan('http://127.0.0.1:9/', {
  steps: [
    { rate: 20, durationS: 10 },
    { rate: 50, durationS: 10 },
  ],
});

const measured = (shape: StepShape): StepMeasurement => ({ ...makeStep(shape), histograms: null });

/** What an engine says within a step. */
function progress(stepIndex: number, elapsedS: number, shape: StepShape) {
  const { arms } = makeStep({ ...shape, durationS: elapsedS });
  return { stepIndex, elapsedS, arms, second: { atS: 0, lengthS: 1, arms: {} }, histograms: {} };
}

const read = async (live: LiveMetrics): Promise<Sample[]> => parsePrometheusText(await live.text());
const requests = (samples: Sample[], arm: string, outcome: string): number | null =>
  sumOf(samples, 'sallyport_load_requests_total', { arm, outcome });
const stepStarts = (samples: Sample[]) => select(samples, 'sallyport_load_step_start_timestamp_seconds');

describe('the figures of a load test under way', () => {
  test('count all steps so far, and show rates and quantiles of the one under way', async () => {
    const live = new LiveMetrics();
    live.progress(plan, progress(0, 5, { rate: 20, tunnel: { failed: 3, dropped: 2, p99: 40 } }));
    let samples = await read(live);
    const outcomes = ['ok', 'failed', 'dropped'].map((outcome) => requests(samples, 'tunnel', outcome));
    assert.deepEqual([...outcomes, requests(samples, 'direct', 'ok')], [95, 3, 2, 100]);
    live.step(plan, measured({ rate: 20 }));
    assert.equal(requests(await read(live), 'tunnel', 'ok'), 20 * 10);
    live.progress(plan, progress(1, 2, { rate: 50, tunnel: { p99: 60 } }));
    samples = await read(live);
    assert.equal(requests(samples, 'tunnel', 'ok'), 20 * 10 + 50 * 2);
    assert.equal(sumOf(samples, 'sallyport_load_rate', { arm: 'tunnel', kind: 'asked' }), 50);
    assert.equal(sumOf(samples, 'sallyport_load_rate', { arm: 'direct', kind: 'achieved' }), 50);
    assert.equal(sumOf(samples, 'sallyport_load_latency_seconds', { arm: 'tunnel', quantile: '0.99' }), 0.06);
    assert.ok((sumOf(samples, 'sallyport_load_lag_seconds', { arm: 'tunnel', quantile: '0.99' }) ?? -1) >= 0);
  });

  test('tell when each step began, with the rate it asks for', async () => {
    const live = new LiveMetrics();
    const beforeS = Date.now() / 1000;
    live.progress(plan, progress(0, 5, { rate: 20 }));
    live.progress(plan, progress(0, 6, { rate: 20 }));
    live.step(plan, measured({ rate: 20 }));
    // One that is over within a second is told by its end alone.
    live.step(plan, measured({ rate: 50, durationS: 0.2 }));
    const samples = await read(live);
    assert.equal(sumOf(samples, 'sallyport_load_step'), 2);
    const starts = stepStarts(samples);
    assert.deepEqual(
      starts.map(({ labels }) => labels),
      [
        { step: '1', rate: '20' },
        { step: '2', rate: '50' },
      ],
    );
    const startedS = (starts[0]?.value ?? NaN) + 5;
    assert.ok(startedS >= beforeS - 0.01 && startedS <= Date.now() / 1000 + 0.01, `${startedS} after ${beforeS}`);
  });

  test('of an engine that tells them at the end only have the steps as they begin', async () => {
    const live = new LiveMetrics();
    live.due(plan, 0);
    live.due(plan, 1);
    assert.equal(stepStarts(await read(live)).length, 2);
    live.step(plan, measured({ rate: 20 }));
    live.step(plan, measured({ rate: 50 }));
    const samples = await read(live);
    assert.equal(stepStarts(samples).length, 2);
    assert.equal(requests(samples, 'tunnel', 'ok'), 700);
  });

  test('keep the beginnings of the last steps only', async () => {
    const live = new LiveMetrics();
    for (let step = 0; step < MAX_LIVE_STEPS + 5; step++) live.step(plan, measured({ rate: 20 }));
    const starts = stepStarts(await read(live));
    assert.equal(starts.length, MAX_LIVE_STEPS);
    assert.equal(starts.at(-1)?.labels['step'], String(MAX_LIVE_STEPS + 5));
  });

  test('of a closed loop name no rate that was asked, and of a shard its part', async () => {
    const closed = new LiveMetrics();
    closed.progress({ ...plan, model: 'closed' }, progress(0, 1, { rate: 20 }));
    const samples = await read(closed);
    assert.equal(sumOf(samples, 'sallyport_load_rate', { kind: 'asked' }), null);
    assert.equal(stepStarts(samples)[0]?.labels['rate'], 'closed loop');
    const shard = new LiveMetrics();
    const half = { ...plan, shard: { index: 0, count: 2 } };
    shard.progress(half, progress(0, 1, { rate: 10 }));
    shard.step(half, measured({ rate: 10 }));
    shard.step(half, measured({ rate: 25, durationS: 0.2 }));
    assert.deepEqual(
      stepStarts(await read(shard)).map(({ labels }) => labels['rate']),
      ['10', '25'],
    );
  });

  test('hold a capacity once one was found', async () => {
    const live = new LiveMetrics();
    const capacity = async (end: string) => sumOf(await read(live), 'sallyport_load_capacity_rate', { end });
    assert.equal(await capacity('carried'), null);
    live.capacity(1200, null);
    assert.deepEqual([await capacity('carried'), await capacity('refused')], [1200, null]);
  });
});
