import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makePlan } from '../testing/plans.ts';
import { ArrivalSchedule } from './arrivals.ts';
import type { Schedule } from './arrivals.ts';
import { retryAfterS } from './retry-after.ts';
import { generatorsFor, sharePlan } from './shares.ts';
import { TraceSchedule } from './trace-schedule.ts';

type Arrival = { atMs: number; arm: number; turn: number };

function collect(schedule: Schedule): Arrival[] {
  const all: Arrival[] = [];
  while (schedule.next()) all.push({ atMs: schedule.atMs, arm: schedule.arm, turn: schedule.turn });
  return all;
}

const byTime = (a: Arrival, b: Arrival): number => a.atMs - b.atMs || a.turn - b.turn;

describe('the shards of a schedule', () => {
  for (const kind of ['uniform', 'poisson'] as const) {
    test(`are disjoint and add up to the whole one (${kind})`, () => {
      const options = { rate: 70, durationS: 3, arms: 2, kind, seed: 5 };
      const whole = collect(new ArrivalSchedule(options));
      const shards = [0, 1, 2].flatMap((index) =>
        collect(new ArrivalSchedule({ ...options, shard: { index, count: 3 } })),
      );
      assert.ok(whole.length > 300);
      assert.deepEqual(shards.sort(byTime), whole.sort(byTime));
    });
  }

  test('stay so when each is shared again among processes', () => {
    const plan = makePlan('http://127.0.0.1:9/', { maxInFlight: 5, connections: 3 });
    const all = [0, 1].flatMap((index) => sharePlan({ ...plan, shard: { index, count: 2 } }, 3));
    assert.deepEqual(new Set(all.map(({ shard }) => shard?.index)), new Set([0, 1, 2, 3, 4, 5]));
    assert.ok(all.every(({ shard }) => shard?.count === 6));
    const [first, second, third] = sharePlan(plan, 3);
    assert.deepEqual([first?.connections, second?.connections, third?.connections], [1, 1, 1]);
    assert.deepEqual([first?.maxInFlight, second?.maxInFlight, third?.maxInFlight], [2, 2, 1]);
  });
});

describe('a recorded trace', () => {
  const entries = [
    { atMs: 0, request: 3 },
    { atMs: 10, request: 0 },
    { atMs: 11, request: 1 },
    { atMs: 5000, request: 2 },
  ];

  test('comes on every arm at its time, in rotating order, and ends with the step', () => {
    const all = collect(new TraceSchedule({ entries, durationMs: 5000, arms: 2 }));
    assert.deepEqual(all, [
      { atMs: 0, arm: 0, turn: 3 },
      { atMs: 2, arm: 1, turn: 3 },
      { atMs: 10, arm: 1, turn: 0 },
      { atMs: 10.5, arm: 0, turn: 0 },
      { atMs: 11, arm: 0, turn: 1 },
      { atMs: 13, arm: 1, turn: 1 },
    ]);
  });

  test('can be shared', () => {
    const shards = [0, 1, 2].map((index) =>
      collect(new TraceSchedule({ entries, durationMs: 9000, arms: 1, shard: { index, count: 3 } })),
    );
    assert.deepEqual(
      shards.map((shard) => shard.map(({ turn }) => turn)),
      [[3, 2], [0], [1]],
    );
  });

  test('may be empty', () => {
    assert.deepEqual(collect(new TraceSchedule({ entries: [], durationMs: 1000, arms: 2 })), []);
  });
});

describe('the number of generators', () => {
  test('is the plan’s, or grows with its rate up to half of the processors', () => {
    const plan = makePlan('http://127.0.0.1:9/', { steps: [{ rate: 100, durationS: 1 }] });
    assert.equal(generatorsFor(plan), 1);
    assert.equal(generatorsFor({ ...plan, generators: 7 }), 7);
    const many = generatorsFor({ ...plan, steps: [{ rate: 100_000, durationS: 1 }] });
    assert.ok(many >= 1 && many <= 20, `${many}`);
  });
});

describe('Retry-After', () => {
  test('is a number of seconds or a date, and anything else no wait', () => {
    const nowMs = Date.UTC(2030, 0, 1, 0, 0, 0);
    assert.equal(retryAfterS('120', nowMs), 120);
    assert.equal(retryAfterS('Tue, 01 Jan 2030 00:00:30 GMT', nowMs), 30);
    assert.equal(retryAfterS('Mon, 31 Dec 2029 00:00:30 GMT', nowMs), 0);
    for (const field of [undefined, '', 'soon', ['1', '2']]) assert.equal(retryAfterS(field, nowMs), 0);
  });
});
