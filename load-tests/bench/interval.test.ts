import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, double, property } from 'fast-check';
import { medianInterval } from './interval.ts';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test('of twenty values the interval runs from the 6th to the 15th', () => {
  const interval = medianInterval(upTo(20));
  assert.deepEqual([interval?.median, interval?.low, interval?.high], [10.5, 6, 15]);
  assert.ok(Math.abs((interval?.coverage ?? 0) - 0.9586) < 0.0001);
});

test('of ten values it runs from the 2nd to the 9th, of six over all of them', () => {
  assert.deepEqual([medianInterval(upTo(10))?.low, medianInterval(upTo(10))?.high], [2, 9]);
  assert.deepEqual([medianInterval(upTo(6))?.low, medianInterval(upTo(6))?.high], [1, 6]);
  assert.ok((medianInterval(upTo(6))?.coverage ?? 0) > 0.95);
});

test('with fewer than six values the coverage says that it is not 95 %', () => {
  assert.equal(medianInterval([7])?.coverage, 0);
  assert.equal(medianInterval(upTo(5))?.coverage, 1 - 2 / 32);
  assert.equal(medianInterval([]), undefined);
});

test('the median lies within, whatever the order of the values', () => {
  // Without −0, which is 0 to whoever sorts and another number to whoever compares.
  const number = double({ noNaN: true, min: -1e6, max: 1e6 }).map((value) => value + 0);
  const anyValues = property(array(number, { minLength: 1 }), (values) => {
    const interval = medianInterval(values);
    assert.ok(interval !== undefined && interval.low <= interval.median && interval.median <= interval.high);
    assert.deepEqual(medianInterval(values.toReversed()), interval);
  });
  check(anyValues);
});
