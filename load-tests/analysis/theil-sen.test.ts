import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../engine/arrivals.ts';
import { autocorrelation, MAX_POINTS, pool, theilSen, thinned } from './theil-sen.ts';
import type { Point } from './theil-sen.ts';

const series = (count: number, value: (index: number) => number): Point[] =>
  Array.from({ length: count }, (_, index) => ({ at: index, value: value(index) }));

/** Standard normal numbers, by Box and Muller. */
function normal(seed: number): () => number {
  const random = seededRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** An autoregressive series: each value remembers `memory` of the one before. */
function remembering(count: number, memory: number, slope: number, seed: number): Point[] {
  const next = normal(seed);
  let state = 0;
  return series(count, (index) => (state = memory * state + next()) + slope * index);
}

function excludesZero(points: readonly Point[]): number {
  const [low, high] = theilSen(points)?.ci95 ?? [-1, 1];
  return low > 0 || high < 0 ? 1 : 0;
}

describe('the Theil–Sen line', () => {
  test('finds a line exactly', () => {
    const line = theilSen(series(20, (index) => 3 + 2 * index));
    assert.deepEqual(line, { slope: 2, intercept: 3, ci95: [2, 2] });
  });

  test('agrees with the worked example of Sen’s paper', () => {
    // Sen 1968, §6: t = 1, 2, 3, 4, 10, 12, 18 with these y has a median slope of 4.0.
    const at = [1, 2, 3, 4, 10, 12, 18];
    const value = [9, 15, 19, 20, 45, 55, 78];
    assert.equal(theilSen(at.map((each, index) => ({ at: each, value: value[index] ?? 0 })))?.slope, 4);
  });

  test('is hardly moved by a quarter of wild points', () => {
    const line = theilSen(series(40, (index) => (index % 4 === 3 ? 1e6 : 5 + index)));
    assert.ok(Math.abs((line?.slope ?? 0) - 1) < 0.05, `${line?.slope}`);
  });

  test('has no slope without two times, and no interval from fewer than eight points', () => {
    assert.equal(theilSen([]), null);
    assert.equal(theilSen(Array.from({ length: 9 }, () => ({ at: 1, value: 2 }))), null);
    assert.equal(theilSen(series(7, (index) => index))?.ci95, null);
  });

  test('holds its own slope in its interval, whatever the points', () => {
    const points = fc.array(
      fc.record({ at: fc.integer({ min: 0, max: 50 }), value: fc.double({ noNaN: true, min: -1e6, max: 1e6 }) }),
      {
        minLength: 8,
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(points, (sample) => {
        const line = theilSen(sample);
        if (line?.ci95 == null) return;
        assert.ok(line.ci95[0] <= line.slope && line.slope <= line.ci95[1]);
      }),
    );
  });

  test('covers the true slope about as often as it says', () => {
    const next = normal(7);
    const runs = 1500;
    let covered = 0;
    for (let run = 0; run < runs; run++) {
      const [low, high] = theilSen(series(15, (index) => 0.3 * index + next()))?.ci95 ?? [NaN, NaN];
      if (low <= 0.3 && 0.3 <= high) covered += 1;
    }
    assert.ok(covered / runs > 0.94 && covered / runs < 0.985, `${covered / runs}`);
  });

  test('takes a day of samples without looking at all their pairs', () => {
    const line = theilSen(series(20_000, (index) => index / 1000));
    assert.ok(Math.abs((line?.slope ?? 0) - 0.001) < 1e-9);
    assert.ok(
      pool(
        series(20_000, () => 0),
        Math.ceil(20_000 / MAX_POINTS),
      ).length <= MAX_POINTS,
    );
  });
});

describe('thinning', () => {
  test('leaves independent points as they are', () => {
    const next = normal(3);
    const points = series(60, () => next());
    assert.deepEqual(thinned(points), { points, isIndependent: true });
  });

  test('makes the interval of a series with a memory honest', () => {
    const runs = 300;
    let plain = 0;
    let honest = 0;
    for (let run = 0; run < runs; run++) {
      const points = remembering(200, 0.8, 0, run + 1);
      plain += excludesZero(points);
      honest += excludesZero(thinned(points).points);
    }
    assert.ok(plain / runs > 0.3, `without thinning ${plain / runs} would be called trends`);
    assert.ok(honest / runs < 0.15, `with it ${honest / runs}`);
  });

  test('keeps a true trend', () => {
    const points = remembering(200, 0.8, 0.2, 5);
    const [low, high] = theilSen(thinned(points).points)?.ci95 ?? [NaN, NaN];
    assert.ok(low > 0 && low < 0.2 && high > 0.2, `${low} to ${high}`);
  });

  test('says of a curve that its points are not independent', () => {
    assert.equal(thinned(series(100, (index) => index ** 2)).isIndependent, false);
  });
});

test('autocorrelation is 0 of a constant, near 1 of a slow wave and near −1 of a saw', () => {
  assert.equal(autocorrelation([4, 4, 4, 4]), 0);
  assert.ok(autocorrelation(Array.from({ length: 100 }, (_, index) => Math.sin(index / 10))) > 0.9);
  assert.ok(autocorrelation(Array.from({ length: 100 }, (_, index) => index % 2)) < -0.9);
});
