import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observeDelay } from './event-loop.ts';
import { Histogram } from './histogram.ts';

test('a stall counts once for each interval that it lasted, with the wait that remained', () => {
  const histogram = new Histogram([0.005, 0.025, 0.045, 0.065]);
  observeDelay(histogram, 65);
  assert.deepEqual(histogram.cumulative(), [1, 2, 3, 4]);
});

test('a timer that is on time is one sample of 0', () => {
  const histogram = new Histogram();
  observeDelay(histogram, -0.3);
  assert.deepEqual([histogram.count, histogram.sumS], [1, 0]);
});

test('a process that slept for hours adds a bounded number of samples', () => {
  const histogram = new Histogram();
  observeDelay(histogram, 36_000_000);
  assert.equal(histogram.count, 500);
});
