import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compareSentence, compareSteps } from './compare.ts';
import type { ComparedStep } from './compare.ts';

/** 20 seconds whose p50 is spread by 0.1 ms around `p50`. */
function makeRun(rate: number, p50: number, options: { answers?: number; addedMs?: number } = {}): ComparedStep {
  const { answers = 200, addedMs = null } = options;
  const seconds = Array.from({ length: 20 }, (_, index) => {
    const spread = (index - 9.5) / 200;
    return { answers, p50: p50 + spread, p99: 2 * p50 + spread, addedMs: addedMs === null ? null : addedMs + spread };
  });
  return { rate, p50, p99: 2 * p50, seconds };
}

const row = (a: ComparedStep, b: ComparedStep, metric: string) =>
  compareSteps([a], [b]).rows.find((each) => each.metric === metric);

describe('two runs beside each other', () => {
  test('differ by their percentiles, and by their seconds with an interval', () => {
    const [a, b] = [makeRun(200, 1), makeRun(200, 2)];
    assert.deepEqual(row(a, b, 'p99'), { rate: 200, metric: 'p99', aMs: 2, bMs: 4, differenceMs: 2, ci95: null });
    const { differenceMs, ci95 } = row(a, b, 'p50 by second') ?? {};
    assert.equal(differenceMs, 1);
    assert.ok(ci95 && ci95[0] > 0.95 && ci95[1] < 1.05, String(ci95));
  });

  test('are held together rate by rate, whatever their order', () => {
    const { rows, onlyA, onlyB } = compareSteps(
      [makeRun(20, 1), makeRun(50, 1), makeRun(100, 1)],
      [makeRun(100.05, 3), makeRun(500, 1), makeRun(20, 1)],
    );
    assert.deepEqual([...new Set(rows.map(({ rate }) => rate))], [20, 100]);
    assert.deepEqual([onlyA, onlyB], [[50], [500]]);
  });

  test('have no p99 by second where a second has too few answers for one', () => {
    const [a, b] = [makeRun(50, 1, { answers: 50 }), makeRun(50, 2, { answers: 50 })];
    assert.equal(row(a, b, 'p99 by second'), undefined);
    assert.notEqual(row(a, b, 'p50 by second'), undefined);
  });

  test('tell what the tunnel adds where both have a direct arm', () => {
    const [a, b] = [makeRun(200, 1, { addedMs: 0.5 }), makeRun(200, 3, { addedMs: 0.5 })];
    assert.equal(row(a, b, 'added p50 by second')?.differenceMs, 0);
    assert.equal(row(a, makeRun(200, 3), 'added p50 by second'), undefined);
  });
});

function sentence(a: ComparedStep[], b: ComparedStep[], reservations: string[] = []): string {
  return compareSentence(compareSteps(a, b), reservations);
}

describe('the sentence of a comparison', () => {
  test('names the rates where the seconds differ', () => {
    const a = [makeRun(20, 1), makeRun(50, 1)];
    assert.match(
      sentence(a, [makeRun(20, 1.001), makeRun(50, 2)]),
      /^B against A at p50: \+1\.00 ms at 50\/s \(95 %: \+0\.\d+ to \+1\.0\d\)\.$/,
    );
  });

  test('says that nothing differs', () => {
    assert.match(sentence([makeRun(20, 1)], [makeRun(20, 1)]), /^B does not differ from A at p50 by more than/);
  });

  test('says which rates only one has, and in what else the runs are not alike', () => {
    const said = sentence([makeRun(20, 1), makeRun(50, 1)], [makeRun(20, 1)], ['node v24 in A and v26 in B']);
    assert.match(said, / Mind: only A has 50\/s; node v24 in A and v26 in B\.$/);
  });

  test('has no interval from runs without seconds', () => {
    const bare = { ...makeRun(20, 1), seconds: [] };
    assert.match(sentence([bare], [bare]), /^No interval: /);
  });
});
