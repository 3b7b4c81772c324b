import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeSteps } from '../testing/steps.ts';
import { findDisturbances, findKnee } from './knee.ts';

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
    const steps = makeSteps([{ rate: 20 }, { rate: 50, tunnel: { dropped: 1 } }, { rate: 100 }]);
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

  test('is not one pause in one second of a step', () => {
    const steps = makeSteps([{ rate: 20 }, { rate: 50, tunnel: { p99: 80 }, badSeconds: 2 }]);
    assert.equal(findKnee(steps, 'tunnel'), null);
    const spread = makeSteps([{ rate: 20 }, { rate: 50, tunnel: { p99: 80 }, badSeconds: 3 }]);
    assert.equal(findKnee(spread, 'tunnel')?.rate, 50);
  });

  test('is each arm’s own', () => {
    const steps = makeSteps([{ rate: 20 }, { rate: 50, direct: { p99: 80 } }]);
    assert.equal(findKnee(steps, 'tunnel'), null);
    assert.equal(findKnee(steps, 'direct')?.rate, 50);
  });
});
