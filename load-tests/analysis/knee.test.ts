import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StepReport } from '../report/model.ts';
import { makeSteps } from '../testing/steps.ts';
import { findDisturbances, findKnee } from './knee.ts';

const ramp = (achieved: number, p99: number, badSeconds: number) =>
  makeSteps([{ rate: 50 }, { rate: 100, tunnel: { achieved, p99 }, badSeconds }]);

/** The same with a p90 as low as the median. */
function tailOnly(step: StepReport): StepReport {
  const { tunnel } = step.arms;
  const latencyMs = { ...tunnel.latencyMs, p90: tunnel.latencyMs.p50 };
  return { ...step, arms: { ...step.arms, tunnel: { ...tunnel, latencyMs } } };
}

describe('the knee', () => {
  test('is nowhere while every step is carried', () => {
    assert.equal(findKnee(makeSteps([{ rate: 20 }, { rate: 50 }, { rate: 100 }]), 'tunnel'), null);
  });

  test('is the first step with less than 99 % answered in step', () => {
    const steps = makeSteps([
      { rate: 20 },
      { rate: 50, tunnel: { achieved: 0.985 } },
      { rate: 100, tunnel: { achieved: 0.5 } },
    ]);
    assert.equal(findKnee(steps, 'tunnel')?.rate, 50);
    assert.match(findKnee(steps, 'tunnel')?.reasons[0] ?? '', /98\.5 % of the offered load/);
  });

  test('is the first step with failures of more than one in a hundred', () => {
    const steps = makeSteps([
      { rate: 20, tunnel: { failed: 1 } },
      { rate: 50, tunnel: { failed: 10 } },
    ]);
    assert.equal(findKnee(steps, 'tunnel')?.rate, 50);
  });

  test('is the first step with a dropped arrival', () => {
    const steps = makeSteps([{ rate: 20 }, { rate: 50, tunnel: { dropped: 1 } }]);
    assert.equal(findKnee(steps, 'tunnel')?.rate, 50);
  });

  test('is where p99 leaves its plateau by more than three times and five milliseconds', () => {
    const steps = makeSteps([{ rate: 20 }, { rate: 50, tunnel: { p99: 6.9 } }, { rate: 100, tunnel: { p99: 7.1 } }]);
    assert.equal(findKnee(steps, 'tunnel')?.rate, 100);
    const slow = makeSteps([
      { rate: 20, tunnel: { p99: 40 } },
      { rate: 50, tunnel: { p99: 110 } },
      { rate: 100, tunnel: { p99: 130 } },
    ]);
    assert.equal(findKnee(slow, 'tunnel')?.rate, 100);
  });

  test('is measured from the lowest step, even when the first was a slow one', () => {
    const steps = makeSteps([{ rate: 20, tunnel: { p99: 30 } }, { rate: 50 }, { rate: 100, tunnel: { p99: 20 } }]);
    assert.equal(findKnee(steps, 'tunnel')?.rate, 100);
  });

  test('is not a tail that higher rates do not show', () => {
    const steps = makeSteps([{ rate: 20 }, { rate: 50, tunnel: { p99: 80 } }, { rate: 100 }]);
    assert.equal(findKnee(steps, 'tunnel'), null);
    assert.deepEqual(
      findDisturbances(steps, 'tunnel').map(({ rate }) => rate),
      [50],
    );
  });

  test('is not what a higher rate carries after all, of whatever kind', () => {
    for (const tunnel of [{ achieved: 0.955 }, { achieved: 0.5 }, { dropped: 1 }, { failed: 50 }]) {
      const steps = makeSteps([{ rate: 50, tunnel }, { rate: 100 }, { rate: 200 }, { rate: 500 }]);
      assert.equal(findKnee(steps, 'tunnel'), null);
      assert.deepEqual(
        findDisturbances(steps, 'tunnel').map(({ rate }) => rate),
        [50],
      );
    }
  });

  test('goes by rates and not by the order: a spike has one', () => {
    const spike = makeSteps([{ rate: 50 }, { rate: 1000, tunnel: { p99: 300, achieved: 0.6 } }, { rate: 50 }]);
    assert.equal(findKnee(spike, 'tunnel')?.rate, 1000);
    const tail = makeSteps([{ rate: 50 }, { rate: 1000, tunnel: { p99: 300 } }, { rate: 50 }]);
    assert.equal(findKnee(tail, 'tunnel')?.rate, 1000);
    const falling = makeSteps([{ rate: 1000, tunnel: { p99: 300 } }, { rate: 50 }]);
    assert.equal(findKnee(falling, 'tunnel')?.rate, 1000);
  });

  test('must be there in the later ones of equal rates as well', () => {
    const bad = { rate: 100, tunnel: { achieved: 0.8 } };
    assert.equal(findKnee(makeSteps([bad, { rate: 100 }, { rate: 100 }]), 'tunnel'), null);
    assert.equal(findKnee(makeSteps([{ rate: 100 }, bad, bad]), 'tunnel')?.index, 1);
  });

  test('at the top rate is not a few late answers from one pause', () => {
    assert.equal(findKnee(ramp(0.955, 175, 1), 'tunnel'), null);
    assert.equal(findDisturbances(ramp(0.955, 175, 1), 'tunnel').length, 1);
    assert.equal(findKnee(ramp(0.955, 175, 3), 'tunnel')?.rate, 100, 'spread over the seconds');
    assert.equal(findKnee(ramp(0.94, 175, 1), 'tunnel')?.rate, 100, 'more than one in twenty');
  });

  test('is not denied by a higher rate that was cut off', () => {
    const [low, bad, high] = makeSteps([{ rate: 50 }, { rate: 100, tunnel: { achieved: 0.8 } }, { rate: 200 }]);
    const cut = [low, bad, high && { ...high, complete: false }].filter((step) => step !== undefined);
    assert.equal(findKnee(cut, 'tunnel')?.rate, 100);
  });

  test('is not one pause in one second of a step', () => {
    const steps = makeSteps([{ rate: 20 }, { rate: 50, tunnel: { p99: 80 }, badSeconds: 2 }]);
    assert.equal(findKnee(steps, 'tunnel'), null);
    const spread = makeSteps([{ rate: 20 }, { rate: 50, tunnel: { p99: 80 }, badSeconds: 3 }]);
    assert.equal(findKnee(spread, 'tunnel')?.rate, 50);
  });

  test('at the top rate is not p99 alone, where p90 has not risen with it', () => {
    const steps = makeSteps([{ rate: 20 }, { rate: 50, tunnel: { p99: 80 } }]).map((step) => tailOnly(step));
    assert.equal(findKnee(steps, 'tunnel'), null);
    assert.deepEqual(
      findDisturbances(steps, 'tunnel').map(({ rate }) => rate),
      [50],
    );
    const confirmed = makeSteps([{ rate: 20 }, { rate: 50, tunnel: { p99: 80 } }, { rate: 100, tunnel: { p99: 90 } }]);
    assert.equal(findKnee([...confirmed.slice(0, 2).map((step) => tailOnly(step)), confirmed[2]!], 'tunnel')?.rate, 50);
  });

  test('is each arm’s own', () => {
    const steps = makeSteps([{ rate: 20 }, { rate: 50, direct: { p99: 80 } }]);
    assert.equal(findKnee(steps, 'tunnel'), null);
    assert.equal(findKnee(steps, 'direct')?.rate, 50);
  });
});
