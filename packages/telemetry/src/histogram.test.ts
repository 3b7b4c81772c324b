import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Histogram } from './histogram.ts';

const value = fc.double({ min: -1, max: 100, noNaN: true });
const bounds = fc
  .uniqueArray(fc.double({ min: 0, max: 90, noNaN: true }), { minLength: 1, maxLength: 30 })
  .map((some) => some.map((bound) => bound + 0).sort((a, b) => a - b))
  .filter((some) => some.every((bound, i) => i === 0 || bound > some[i - 1]!));

test('each bucket holds the values at or below its bound, for any bounds and values', () => {
  fc.assert(
    fc.property(bounds, fc.array(value, { maxLength: 200 }), (boundsS, values) => {
      const histogram = new Histogram(boundsS);
      for (const seconds of values) histogram.observe(seconds);
      const positive = values.map((seconds) => Math.max(0, seconds));
      const expected = boundsS.map((bound) => positive.filter((seconds) => seconds <= bound).length);
      assert.deepEqual(histogram.cumulative(), expected);
      assert.equal(histogram.count, values.length);
      const sum = positive.reduce((total, seconds) => total + seconds, 0);
      assert.ok(Math.abs(histogram.sumS - sum) < 1e-6);
    }),
  );
});

test('a value equal to a bound belongs to that bound', () => {
  const histogram = new Histogram([1, 2]);
  histogram.observe(1);
  assert.deepEqual(histogram.cumulative(), [1, 1]);
});

test('NaN and Infinity leave the histogram as it was', () => {
  const histogram = new Histogram();
  for (const seconds of [Number.NaN, Infinity, -Infinity / Infinity]) histogram.observe(seconds);
  assert.equal(histogram.count, 0);
  assert.equal(histogram.sumS, 0);
});

test('a negative value counts as 0', () => {
  const histogram = new Histogram([1]);
  histogram.observe(-5);
  assert.deepEqual([histogram.count, histogram.sumS], [1, 0]);
});

test('bounds that do not rise, are not finite or are missing are refused', () => {
  for (const wrong of [[], [1, 1], [2, 1], [1, Infinity], [Number.NaN]]) {
    assert.throws(() => new Histogram(wrong), RangeError);
  }
});
