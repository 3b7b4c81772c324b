import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CASES } from './cases.ts';
import { DEFAULT_STEP_S } from './case.ts';
import { judged, summary } from './score.ts';
import type { Played } from './score.ts';

/** Of the 45 s of a case: start and end of the parts, calibration, warm-up and the last answers need the others. */
const MAX_STEPS_S = 20;
const [backend, queue, healthy] = ['backend-1-worker-10ms', 'slots-1', 'healthy-low'].map((name) => {
  const found = CASES.find((each) => each.name === name);
  assert(found !== undefined, name);
  return found;
}) as [(typeof CASES)[number], (typeof CASES)[number], (typeof CASES)[number]];

function said(fault: 'none' | 'backend' | 'tunnel' | 'inconclusive', hop: 'queue' | 'link' | null = null): Played {
  return { verdict: { fault, hop, at: 80, sentence: '', evidence: [] } };
}

describe('the verdict matrix', () => {
  test('has at least forty cases and ten healthy ones, each with a name of its own and short enough', () => {
    assert.ok(CASES.length >= 40);
    assert.ok(CASES.filter(({ expects }) => expects.fault === 'none').length >= 10);
    assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length);
    const long = CASES.filter(({ rates, stepS = DEFAULT_STEP_S }) => rates.length * stepS > MAX_STEPS_S);
    assert.deepEqual(long, []);
  });

  test('counts a verdict right with the right fault and, where it is stated, the right hop', () => {
    assert.equal(judged(backend, said('backend')).outcome, 'right');
    assert.equal(judged(queue, said('tunnel', 'queue')).outcome, 'right');
    assert.equal(judged(queue, said('tunnel', 'link')).outcome, 'wrong');
    assert.equal(judged(queue, said('inconclusive')).outcome, 'inconclusive');
    assert.equal(judged(queue, { skipped: 'no namespaces' }).outcome, 'skipped');
  });

  test('is good with 95 % right, leaving out what could not be played', () => {
    const right = Array.from({ length: 19 }, () => judged(backend, said('backend')));
    assert.equal(summary([...right, judged(queue, said('backend'))]).isGood, true);
    assert.equal(summary([...right.slice(1), judged(queue, said('backend'))]).isGood, false);
    assert.equal(summary([...right, judged(queue, { skipped: 'no nft' })]).isGood, true);
  });

  test('is not good with one healthy run accused', () => {
    const right = Array.from({ length: 99 }, () => judged(backend, said('backend')));
    assert.equal(summary([...right, judged(healthy, said('backend'))]).isGood, false);
  });
});
