import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../engine/arrivals.ts';
import { makeStep } from '../testing/steps.ts';
import { climbOf, isClimbing } from './climbing.ts';

/** A step whose per-second medians are these. */
function stepOf(medians: readonly number[]) {
  const step = makeStep({ rate: 100, durationS: medians.length });
  const seconds = medians.map((p50, atS) => {
    const figures = { ok: 100, failed: 0, p50, p99: p50 * 2, max: p50 * 3 };
    return { atS, lengthS: 1, arms: { tunnel: figures } };
  });
  return { ...step, seconds };
}

/** A single server with fixed service, simulated: the median wait per second at `load` of its capacity. */
function queue(load: number, seconds: number, seed: number): number[] {
  const random = seededRandom(seed);
  const serviceMs = 10;
  const gapMs = serviceMs / load;
  const medians: number[] = [];
  let at = 0;
  let free = 0;
  for (let second = 0; second < seconds; second++) {
    const waits: number[] = [];
    for (; at < (second + 1) * 1000; at -= gapMs * Math.log(1 - random())) {
      free = Math.max(free, at) + serviceMs;
      waits.push(free - at);
    }
    medians.push(waits.sort((a, b) => a - b)[waits.length >> 1] ?? 0);
  }
  return medians;
}

describe('a climb', () => {
  test('is latency that rises by the same amount each second', () => {
    const climb = climbOf(stepOf(Array.from({ length: 10 }, (_, index) => 5 + 20 * index)), 'tunnel');
    assert.equal(climb?.risePerS, 20);
    assert.equal(climb?.riseMs, 200);
  });

  test('is seen at a rate a tenth over what a server can do', () => {
    const seen = Array.from({ length: 50 }, (_, index) => isClimbing(stepOf(queue(1.1, 10, index + 1))));
    assert.ok(seen.filter(Boolean).length >= 45, `${seen.filter(Boolean).length} of 50`);
  });

  test('is not seen at half of what a server can do', () => {
    for (let seed = 1; seed <= 50; seed++) assert.ok(!isClimbing(stepOf(queue(0.5, 10, seed))), `seed ${seed}`);
  });

  test('is rarely seen at nine tenths of it', () => {
    const seen = Array.from({ length: 100 }, (_, index) => isClimbing(stepOf(queue(0.9, 10, index + 1))));
    assert.ok(seen.filter(Boolean).length <= 10, `${seen.filter(Boolean).length} of 100`);
  });

  test('is not one stall, a fall, a rise too small to matter, or a step of few seconds', () => {
    assert.ok(!isClimbing(stepOf([1, 1, 1, 900, 400, 1, 1, 1, 1, 1])));
    assert.ok(!isClimbing(stepOf([90, 80, 70, 60, 50, 40, 30, 20, 10, 5])));
    assert.ok(!isClimbing(stepOf(Array.from({ length: 10 }, (_, index) => 1 + index / 10))));
    assert.ok(!isClimbing(stepOf([10, 30, 50, 70, 90])));
  });

  test('of an arm that is not there is none', () => {
    assert.equal(climbOf(stepOf([1, 2, 3]), 'baseline'), null);
  });
});
