import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../engine/arrivals.ts';
import { erlangC, meanWaitMs, slotCapacity } from './queueing.ts';

/** A queue of `slots` servers, first come first served, simulated: the mean wait in ms. */
function simulate(
  ratePerS: number,
  slots: number,
  holdMs: (random: () => number) => number,
  isPoisson: boolean,
): number {
  const random = seededRandom(11);
  const freeAt = Array.from({ length: slots }, () => 0);
  const count = 200_000;
  let at = 0;
  let waited = 0;
  for (let index = 0; index < count; index++) {
    at += (1000 / ratePerS) * (isPoisson ? -Math.log(1 - random()) : 1);
    const next = freeAt.indexOf(Math.min(...freeAt));
    const start = Math.max(at, freeAt[next] ?? 0);
    waited += start - at;
    freeAt[next] = start + holdMs(random);
  }
  return waited / count;
}

function assertNear(actual: number | null, expected: number, share: number): void {
  assert.ok(actual !== null && Math.abs(actual - expected) <= share * expected, `${actual} is not near ${expected}`);
}

describe('Erlang’s C', () => {
  test('agrees with the tables', () => {
    // Cooper, Introduction to Queueing Theory, and the closed forms for one and two servers.
    assertNear(erlangC(1, 0.7), 0.7, 1e-9);
    assertNear(erlangC(2, 1), 1 / 3, 1e-9);
    assertNear(erlangC(10, 8), 0.4092, 1e-3);
  });

  test('is certain at saturation and stays a number with many slots', () => {
    assert.equal(erlangC(10, 10), 1);
    assert.ok(erlangC(5000, 4900) > 0 && erlangC(5000, 4900) < 1);
    assert.equal(erlangC(10, 0), 0);
  });
});

describe('the mean wait for a slot', () => {
  const load = { ratePerS: 400, slots: 10, holdMs: 20, arrivalScv: 1, holdScv: 1 };

  test('is exact for exponential times', () => {
    assertNear(meanWaitMs(load), (0.40918 * 20) / 2, 1e-3);
  });

  test('is Pollaczek and Khinchine’s for one slot', () => {
    // ρ = 0.8: S ρ (1 + Cs²) / (2 (1 − ρ)) = 10 · 0.8 / 0.4 for a fixed time, half of M/M/1's 40.
    assertNear(meanWaitMs({ ratePerS: 80, slots: 1, holdMs: 10, arrivalScv: 1, holdScv: 0 }), 20, 1e-9);
  });

  test('agrees with a simulated queue of fixed holding times within a tenth', () => {
    for (const ratePerS of [400, 450, 480]) {
      const simulated = simulate(ratePerS, 10, () => 20, true);
      assertNear(meanWaitMs({ ...load, ratePerS, holdScv: 0 }), simulated, 0.1);
    }
  });

  test('agrees with a simulated queue of uneven holding times', () => {
    // Uniform from 0 to 40 ms: squared coefficient of variation 1/3.
    const simulated = simulate(450, 10, (random) => 40 * random(), true);
    assertNear(meanWaitMs({ ...load, ratePerS: 450, holdScv: 1 / 3 }), simulated, 0.1);
  });

  test('is none when nothing varies, as in the simulation', () => {
    assert.equal(meanWaitMs({ ...load, arrivalScv: 0, holdScv: 0 }), 0);
    assert.ok(simulate(480, 10, () => 20, false) < 1e-6);
  });

  test('does not exist at saturation', () => {
    assert.equal(meanWaitMs({ ...load, ratePerS: 500 }), null);
    assert.equal(slotCapacity(10, 20), 500);
    assert.equal(slotCapacity(10, 0), Infinity);
  });
});
