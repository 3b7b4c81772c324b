import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../engine/arrivals.ts';
import { makeArm } from '../testing/steps.ts';
import { addedMs } from './added.ts';
import { MAX_INTERVAL_VALUES, median, medianInterval, medianRank } from './statistics.ts';

describe('the median', () => {
  test('is the middle, or the mean of the middle two', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  test('leaves its argument as it was', () => {
    const values = [3, 1, 2];
    median(values);
    assert.deepEqual(values, [3, 1, 2]);
  });
});

describe('the distribution-free interval of the median', () => {
  test('uses the order statistics of the tables', () => {
    // Conover, table of the sign test: 95 % for n = 6, 10, 20, 30.
    assert.deepEqual(
      [6, 10, 20, 30].map((count) => medianRank(count, 0.95)),
      [1, 2, 6, 10],
    );
  });

  test('is not to be had from fewer than six values', () => {
    assert.deepEqual(
      [0, 1, 5].map((count) => medianRank(count, 0.95)),
      [null, null, null],
    );
    assert.equal(medianInterval([1, 2, 3, 4, 5], 0.95), null);
  });

  test('holds the sample’s median', () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 6, maxLength: 100 });
    fc.assert(
      fc.property(values, (sample) => {
        const [low, high] = medianInterval(sample, 0.95) ?? [NaN, NaN];
        assert.ok(low <= median(sample) && median(sample) <= high);
      }),
    );
  });

  test('covers the true median at least as often as it says, of a skewed distribution', () => {
    const random = seededRandom(3);
    const trueMedian = Math.log(2);
    let covered = 0;
    const runs = 4000;
    for (let run = 0; run < runs; run++) {
      const sample = Array.from({ length: 20 }, () => -Math.log(1 - random()));
      const [low, high] = medianInterval(sample, 0.95) ?? [NaN, NaN];
      if (low <= trueMedian && trueMedian <= high) covered += 1;
    }
    assert.ok(covered / runs > 0.945, `${covered / runs}`);
  });

  test('works on any number of values', () => {
    const many = Array.from({ length: 100_000 }, (_, index) => index);
    const [low, high] = medianInterval(many, 0.95) ?? [NaN, NaN];
    assert.ok(low < high && low >= many.length - MAX_INTERVAL_VALUES);
  });
});

const second = (tunnel: number, direct: number, ok = 100, lengthS = 1) => {
  const arm = (p50: number) => ({ ok, failed: 0, p50, p99: p50, max: p50 });
  return { atS: 0, lengthS, arms: { tunnel: arm(tunnel), direct: arm(direct) } };
};

describe('what the tunnel adds', () => {
  const tunnelArm = makeArm(1000, 10, { p50: 1.5, p99: 4 });
  const directArm = makeArm(1000, 10, { p50: 1, p99: 2.5 });

  test('is the difference of the percentiles, with an interval over the seconds', () => {
    const seconds = Array.from({ length: 10 }, (_, index) => second(1.5 + index / 10, 1));
    assert.deepEqual(addedMs(tunnelArm, directArm, seconds), { p50: 0.5, p99: 1.5, ci95: [0.6, 1.3] });
  });

  test('is not blurred by a drift that meets both arms', () => {
    const seconds = Array.from({ length: 10 }, (_, index) => second(1.5 + index * 10, 1 + index * 10));
    assert.deepEqual(addedMs(tunnelArm, directArm, seconds).ci95, [0.5, 0.5]);
  });

  test('has no interval from few seconds, thin seconds or parts of seconds', () => {
    const good = second(1.5, 1);
    assert.equal(addedMs(tunnelArm, directArm, [good, good, good, good, good]).ci95, null);
    const thin = Array.from({ length: 10 }, () => second(1.5, 1, 4));
    assert.equal(addedMs(tunnelArm, directArm, thin).ci95, null);
    const parts = Array.from({ length: 10 }, () => second(1.5, 1, 100, 0.1));
    assert.equal(addedMs(tunnelArm, directArm, parts).ci95, null);
  });
});
