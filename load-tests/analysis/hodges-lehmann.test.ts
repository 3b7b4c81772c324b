import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../engine/arrivals.ts';
import { MAX_SAMPLE, hodgesLehmann, mannWhitneyRank } from './hodges-lehmann.ts';

describe('the rank of the Mann–Whitney interval', () => {
  test('is that of the tables', () => {
    // Two-sided 5 % critical values of U, plus one (Conover, table of the Mann–Whitney test): 4/4, 5/5, 10/10, 20/20.
    const ranks = [4, 5, 10, 20].map((size) => mannWhitneyRank(size, size));
    assert.deepEqual(ranks, [1, 3, 24, 128]);
    assert.deepEqual([mannWhitneyRank(5, 10), mannWhitneyRank(10, 5)], [9, 9]);
  });

  test('is not to be had from three values a side, nor from none', () => {
    assert.deepEqual([mannWhitneyRank(3, 3), mannWhitneyRank(0, 20)], [null, null]);
  });

  test('has no step where counting gives way to the normal limit', () => {
    const [counted, limit] = [mannWhitneyRank(30, 40) ?? NaN, mannWhitneyRank(31, 40) ?? NaN];
    assert.ok(limit > counted && limit - counted < 25, `${counted}, ${limit}`);
  });
});

describe('the Hodges–Lehmann shift', () => {
  test('is the median of all differences', () => {
    assert.equal(hodgesLehmann([1, 2, 3], [11, 12, 13]).shift, 10);
    assert.equal(hodgesLehmann([1, 2, 3], [11, 12, 13]).ci95, null);
  });

  test('of nothing is nothing', () => {
    assert.deepEqual(hodgesLehmann([], [1]), { shift: NaN, ci95: null });
  });

  test('is not moved by one wild value', () => {
    const from = Array.from({ length: 20 }, (_, index) => index / 100);
    const to = from.map((value) => value + 1);
    const { shift } = hodgesLehmann(from, [...to.slice(1), 1e6]);
    assert.ok(Math.abs(shift - 1) < 0.03, `${shift}`);
  });

  test('covers the true shift as often as it says, of skewed samples', () => {
    const random = seededRandom(5);
    const draw = (shift: number) => Array.from({ length: 20 }, () => shift - Math.log(1 - random()));
    const runs = 1000;
    let covered = 0;
    for (let run = 0; run < runs; run++) {
      const [low, high] = hodgesLehmann(draw(0), draw(2)).ci95 ?? [NaN, NaN];
      if (low <= 2 && 2 <= high) covered += 1;
    }
    assert.ok(covered / runs > 0.935 && covered / runs < 0.975, `${covered / runs}`);
  });

  test('takes of long series as many values as it can bear, from all of them', () => {
    const from = Array.from({ length: 20 * MAX_SAMPLE }, () => 0);
    const to = from.map((_, index) => index);
    const { shift } = hodgesLehmann(from, to);
    assert.ok(Math.abs(shift - 10 * MAX_SAMPLE) < 100, `${shift}`);
  });
});
