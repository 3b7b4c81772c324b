import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DurationHistogram } from './histogram.ts';

const filled = (values: Iterable<number>): DurationHistogram => {
  const histogram = new DurationHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
};

const near = (value: number, expected: number): void => assert.ok(Math.abs(value / expected - 1) <= 0.001, `${value}`);

describe('a histogram of durations', () => {
  test('tells percentiles to a thousandth, and minimum, mean and maximum exactly', () => {
    const latencies = filled(Array.from({ length: 1000 }, (_, index) => index + 1)).latencies();
    assert.equal(latencies.min, 1);
    assert.equal(latencies.max, 1000);
    assert.equal(latencies.mean, 500.5);
    near(latencies.p50, 500);
    near(latencies.p75, 750);
    near(latencies.p90, 900);
    near(latencies.p95, 950);
    near(latencies.p99, 990);
    near(latencies.p999, 999);
  });

  test('is all zero when empty', () => {
    const empty = { min: 0, mean: 0, p50: 0, p75: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0 };
    assert.deepEqual(new DurationHistogram().latencies(), empty);
    assert.deepEqual(DurationHistogram.decode(new DurationHistogram().encode()).latencies(), empty);
  });

  test('takes negative durations as none and endless ones as ten minutes', () => {
    const latencies = filled([-1, 1e9]).latencies();
    assert.equal(latencies.min, 0);
    assert.equal(latencies.max, 600_000);
  });

  test('comes out of its encoded form as it went in, and adds up', () => {
    const durations = fc.array(fc.double({ min: 0, max: 20_000, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(durations, durations, (some, others) => {
        const all = filled([...some, ...others]);
        const merged = DurationHistogram.decode(filled(some).encode());
        merged.add(DurationHistogram.decode(filled(others).encode()));
        assert.deepEqual(merged.latencies(), all.latencies());
        assert.equal(merged.count, all.count);
      }),
      { numRuns: 30 },
    );
  });

  test('begins anew after a reset', () => {
    const histogram = filled([5, 6]);
    histogram.reset();
    histogram.record(1);
    assert.deepEqual(histogram.hop(), { p50: 1, p99: 1 });
    assert.equal(histogram.count, 1);
  });
});
