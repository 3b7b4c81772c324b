import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../engine/arrivals.ts';
import { nextTry, resultOf, steppedRates } from './search.ts';
import type { NextTry, Outcome, SearchPlan, Tried } from './search.ts';

const PLAN: SearchPlan = { rates: steppedRates(50, 6400, 2), resolution: 0.05, maxTries: 40 };

/** Runs a search on a made-up system. */
function search(judge: (rate: number, index: number) => Outcome, plan = PLAN) {
  const tries: (Tried & NextTry)[] = [];
  for (let next = nextTry(plan, tries); next !== null; next = nextTry(plan, tries)) {
    tries.push({ ...next, outcome: judge(next.rate, tries.length) });
  }
  return { tries, result: resultOf(plan, tries) };
}

const withCapacity =
  (capacity: number) =>
  (rate: number): Outcome =>
    rate <= capacity ? 'carried' : 'refused';

describe('the search for the knee', () => {
  test('steps, bisects and confirms both ends', () => {
    const { tries, result } = search(withCapacity(1000));
    assert.deepEqual(
      tries.slice(0, 6).map(({ rate, phase }) => [rate, phase]),
      [50, 100, 200, 400, 800, 1600].map((rate) => [rate, 'step']),
    );
    assert.deepEqual(
      tries.slice(-2).map(({ phase }) => phase),
      ['confirmation', 'confirmation'],
    );
    assert.ok(result.isConfirmed);
    assert.ok(tries.length <= 16, `${tries.length}`);
  });

  test('encloses the capacity of any system within the resolution', () => {
    fc.assert(
      fc.property(fc.double({ min: 60, max: 6000, noNaN: true }), (capacity) => {
        const { knee, isConfirmed } = search(withCapacity(capacity)).result;
        assert.ok(knee !== null && isConfirmed);
        assert.ok(knee.carriedRate <= capacity && capacity < knee.refusedRate);
        assert.ok(knee.refusedRate <= knee.carriedRate * 1.05);
      }),
    );
  });

  test('ends without a knee where every rate is carried', () => {
    const { tries, result } = search(() => 'carried');
    assert.equal(tries.length, PLAN.rates.length);
    assert.deepEqual([result.knee, result.carriedRate, result.unfitRate], [null, 6400, null]);
  });

  test('looks below the lowest rate where that is refused', () => {
    const { result } = search(withCapacity(20));
    assert.ok(result.knee !== null && result.knee.carriedRate <= 20 && result.knee.refusedRate > 20);
    const nothing = search(() => 'refused');
    assert.deepEqual([nothing.result.knee, nothing.result.carriedRate], [null, null]);
    assert.ok(nothing.tries.length < 8);
  });

  test('is not led astray by one disturbance, wherever it comes', () => {
    const quiet = search(withCapacity(1000)).tries.length;
    for (let at = 0; at < quiet; at++) {
      const { result } = search((rate, index) => (index === at ? 'refused' : withCapacity(1000)(rate)));
      assert.ok(result.knee !== null, `disturbed at try ${at}`);
      assert.ok(result.knee.carriedRate <= 1000 && result.knee.refusedRate > 1000, `disturbed at try ${at}`);
    }
  });

  test('finds the knee nine times in ten with one try in twenty judged wrongly', () => {
    let right = 0;
    const runs = 400;
    for (let seed = 1; seed <= runs; seed++) {
      const random = seededRandom(seed);
      const { result } = search((rate) => {
        const told = withCapacity(1000)(rate);
        if (random() >= 0.05) return told;
        return told === 'carried' ? 'refused' : 'carried';
      });
      const { carriedRate = 0, refusedRate = 0 } = result.knee ?? {};
      if (carriedRate <= 1000 * 1.05 && refusedRate > 1000 / 1.05) right += 1;
    }
    assert.ok(right / runs > 0.9, `${right} of ${runs}`);
  });

  test('comes within a tenth of a knee that is not sharp', () => {
    // Between 900 and 1100 a rate is refused the more often the higher it is.
    const runs = 100;
    let near = 0;
    for (let seed = 1; seed <= runs; seed++) {
      const random = seededRandom(seed);
      const { knee } = search((rate) => (random() < (rate - 900) / 200 ? 'refused' : 'carried')).result;
      if (knee !== null && knee.carriedRate > 850 && knee.refusedRate < 1150) near += 1;
    }
    assert.ok(near >= 95, `${near} of ${runs}`);
  });

  test('tries a rate that the generator spoilt once more, and never takes it for the knee', () => {
    const once = search((rate, index) => (index === 3 ? 'unfit' : withCapacity(1000)(rate)));
    assert.deepEqual(once.tries[4]?.rate, once.tries[3]?.rate);
    assert.ok(once.result.knee !== null && once.result.unfitRate === null);
    const always = search((rate) => (rate > 500 ? 'unfit' : 'carried'));
    assert.deepEqual([always.result.knee, always.result.carriedRate, always.result.unfitRate], [null, 400, 800]);
  });

  test('keeps what it has when the generator fails between the ends', () => {
    const { result } = search((rate) => (rate > 850 && rate < 1500 ? 'unfit' : withCapacity(1000)(rate)));
    assert.deepEqual(result.knee, { carriedRate: 800, refusedRate: 1600 });
    assert.ok(!result.isConfirmed && result.unfitRate !== null);
  });

  test('ends after the given number of tries, whatever it is told', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.constantFrom<Outcome>('carried', 'refused', 'unfit')), (outcomes) => {
        const told = search(() => outcomes.next().value ?? 'carried');
        assert.ok(told.tries.length <= PLAN.maxTries);
      }),
    );
  });
});

describe('the rates of the first phase', () => {
  test('grow by the factor, end at the last, and repeat none', () => {
    assert.deepEqual(steppedRates(50, 400, 2), [50, 100, 200, 400]);
    assert.deepEqual(steppedRates(100, 250, 1.5), [100, 150, 225, 250]);
    assert.deepEqual(steppedRates(100, 100, 2), [100]);
    assert.deepEqual(steppedRates(9996, 9999, 2), [9999], 'rounding goes over no limit');
  });
});
