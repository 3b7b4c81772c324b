import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ArrivalSchedule, seededRandom } from './arrivals.ts';
import type { ArrivalOptions } from './arrivals.ts';

function collect(options: Partial<ArrivalOptions>): { atMs: number; arm: number }[] {
  const schedule = new ArrivalSchedule({ rate: 10, durationS: 1, arms: 1, kind: 'uniform', seed: 1, ...options });
  const all: { atMs: number; arm: number }[] = [];
  while (schedule.next()) all.push({ atMs: schedule.atMs, arm: schedule.arm });
  return all;
}

const gapsOf = (times: number[]): number[] => times.slice(1).map((time, index) => time - (times[index] ?? 0));

describe('uniform arrivals', () => {
  test('are evenly spaced from the very beginning', () => {
    assert.deepEqual(
      collect({ rate: 4 }).map(({ atMs }) => atMs),
      [0, 250, 500, 750],
    );
  });

  test('take turns in rotating order between two arms, half an interval apart', () => {
    const arrivals = collect({ rate: 4, arms: 2 });
    assert.deepEqual(
      arrivals.map(({ arm }) => arm),
      [0, 1, 1, 0, 0, 1, 1, 0],
    );
    assert.deepEqual(
      arrivals.map(({ atMs }) => atMs),
      [0, 125, 250, 375, 500, 625, 750, 875],
    );
  });

  test('are exactly rate × duration per arm, in order, within the step', () => {
    const options = fc.record({
      rate: fc.double({ min: 0.5, max: 3000, noNaN: true }),
      durationS: fc.double({ min: 0.1, max: 4, noNaN: true }),
      arms: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(options, (shape) => {
        const arrivals = collect(shape);
        const perArm = Math.round(shape.rate * shape.durationS);
        for (let arm = 0; arm < shape.arms; arm++) {
          assert.equal(arrivals.filter((arrival) => arrival.arm === arm).length, perArm);
        }
        assert.ok(arrivals.every(({ atMs }, index) => index === 0 || atMs >= (arrivals[index - 1]?.atMs ?? 0)));
        const halfIntervalMs = 500 / shape.rate;
        assert.ok(arrivals.every(({ atMs }) => atMs <= shape.durationS * 1000 + halfIntervalMs));
      }),
    );
  });

  test('go on with the turns of the step before', () => {
    const options = { rate: 5, durationS: 1, arms: 2, kind: 'uniform', seed: 1 } as const;
    const shards = [0, 1, 2].map(
      (index) => new ArrivalSchedule({ ...options, shard: { index, count: 3 }, firstTurn: 7 }),
    );
    for (const schedule of shards) {
      const turns: number[] = [];
      while (schedule.next()) turns.push(schedule.turn);
      assert.ok(turns.every((turn) => turn >= 7 && turn < 12));
      assert.equal(schedule.nextTurn, 12, 'of whichever shard');
    }
  });

  test('do not drift over a day', () => {
    const schedule = new ArrivalSchedule({ rate: 3, durationS: 86_400, arms: 1, kind: 'uniform', seed: 1 });
    let lastMs = 0;
    while (schedule.next()) lastMs = schedule.atMs;
    assert.equal(lastMs, ((86_400 * 3 - 1) * 1000) / 3);
  });
});

describe('Poisson arrivals', () => {
  const options = { kind: 'poisson', rate: 500, durationS: 60, seed: 7 } as const;

  test('keep the mean rate, with gaps that vary as much as they last', () => {
    const times = collect({ ...options }).map(({ atMs }) => atMs);
    const gaps = gapsOf(times);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    // 30,000 gaps: the standard error of the mean is 0.6 %, of the coefficient of variation about the same.
    assert.ok(Math.abs(mean - 2) < 0.06, `mean gap ${mean}`);
    assert.ok(
      Math.abs(Math.sqrt(variance) / mean - 1) < 0.03,
      `coefficient of variation ${Math.sqrt(variance) / mean}`,
    );
  });

  test('vary as much on each of two arms alone', () => {
    for (const arm of [0, 1]) {
      const times = collect({ ...options, arms: 2 }).filter((arrival) => arrival.arm === arm);
      const gaps = gapsOf(times.map(({ atMs }) => atMs));
      const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
      const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
      assert.ok(Math.abs(Math.sqrt(variance) / mean - 1) < 0.03);
    }
  });

  test('are the same for the same seed, and others for another', () => {
    assert.deepEqual(collect({ ...options }), collect({ ...options }));
    assert.notDeepEqual(collect({ ...options }).slice(0, 5), collect({ ...options, seed: 8 }).slice(0, 5));
  });

  test('end with the step', () => {
    assert.ok(collect({ ...options, arms: 2 }).every(({ atMs }) => atMs < 60_000 + 100));
  });
});

describe('the seeded numbers', () => {
  test('are uniform in [0, 1)', () => {
    const random = seededRandom(42);
    const buckets = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 100_000; draw++) {
      const value = random();
      assert.ok(value >= 0 && value < 1);
      const bucket = Math.floor(value * 10);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    assert.ok(
      buckets.every((count) => Math.abs(count - 10_000) < 500),
      buckets.join(' '),
    );
  });
});
