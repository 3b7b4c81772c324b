import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlanClock } from './plan-clock.ts';

test('the clock of a plan says when each step begins, after the warm-up and the gaps, until it is stopped', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const due: number[] = [];
  const ignored = { onWarmUp: () => undefined, onProgress: () => undefined, onStep: () => undefined };
  const steps = [10, 10, 10].map((durationS) => ({ rate: 20, durationS }));
  const clock = new PlanClock({ warmUpS: 3, steps }, { ...ignored, onStepDue: (index) => due.push(index) });
  context.mock.timers.tick(3999);
  assert.deepEqual(due, []);
  context.mock.timers.tick(1);
  assert.deepEqual(due, [0]);
  context.mock.timers.tick(11_000);
  assert.deepEqual(due, [0, 1]);
  clock.stop();
  context.mock.timers.tick(60_000);
  assert.deepEqual(due, [0, 1]);
});
