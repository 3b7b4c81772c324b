import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TIMED_HOPS } from '../report/model.ts';
import type { TimedHop } from '../report/model.ts';
import { holdOf, whatIf, whatIfSentence } from './what-if.ts';
import type { HopMoments, Moments } from './what-if.ts';

const NONE: Moments = { meanMs: 0, deviationMs: 0 };

function hopsOf(shape: Partial<Record<TimedHop, Moments>>): HopMoments {
  return Object.fromEntries(TIMED_HOPS.map((hop) => [hop, shape[hop] ?? NONE])) as HopMoments;
}

/** 20 ms at the backend and 0.5 ms on the way there: 9.84 slots busy at 480/s. */
const HOPS = hopsOf({
  queue: { meanMs: 41, deviationMs: 30 },
  link: { meanMs: 0.5, deviationMs: 0.1 },
  backend: { meanMs: 20, deviationMs: 0.5 },
});

describe('what other slots would do', () => {
  test('is what was measured, then the model for these and for the others', () => {
    const rows = whatIf([{ rate: 480, hops: HOPS }], 10, [10, 20], 1);
    assert.deepEqual(
      rows.map(({ slots, isMeasured }) => [slots, isMeasured]),
      [
        [10, true],
        [10, false],
        [20, false],
      ],
    );
    assert.equal(rows[0]?.queueMeanMs, 41);
    // ρ = 0.984: about S / (2c(1−ρ)) = 20.5 / 0.32, less a little for the chance to find a slot free.
    assert.ok((rows[1]?.queueMeanMs ?? 0) > 50 && (rows[1]?.queueMeanMs ?? 0) < 64, `${rows[1]?.queueMeanMs}`);
    assert.ok((rows[2]?.queueMeanMs ?? 1) < 0.1);
  });

  test('counts the way of the body as time that a slot is held', () => {
    const whole = { ...HOPS, body: { meanMs: 20, deviationMs: 1 } };
    assert.equal(holdOf(whole).holdMs, 40.5);
    assert.equal(whatIf([{ rate: 480, hops: whole }], 10, [], 1).at(-1)?.queueMeanMs, null, 'too few slots for that');
  });

  test('grows without end beyond what the slots can carry', () => {
    const rows = whatIf([{ rate: 500, hops: HOPS }], 10, [], 1);
    assert.equal(rows.at(-1)?.queueMeanMs, null);
  });

  test('is longer the more the holding time varies', () => {
    const uneven = { ...HOPS, backend: { meanMs: 20, deviationMs: 20 } };
    const [, even] = whatIf([{ rate: 400, hops: HOPS }], 10, [], 1);
    const [, wide] = whatIf([{ rate: 400, hops: uneven }], 10, [], 1);
    const ratio = (wide?.queueMeanMs ?? 0) / (even?.queueMeanMs ?? 1);
    // (1 + (20 / 20.5)²) / 2 against nearly ½.
    assert.ok(ratio > 1.9 && ratio < 2, `${ratio}`);
  });

  test('is said in a sentence about the highest rate', () => {
    const rows = whatIf(
      [
        { rate: 400, hops: HOPS },
        { rate: 480, hops: HOPS },
      ],
      10,
      [20],
      1,
    );
    assert.match(
      whatIfSentence(rows) ?? '',
      /with 20 slots instead of 10 the queue hop falls from 41 to 0\.0\d+ ms at 480\/s \(model\)/,
    );
    assert.match(
      whatIfSentence(whatIf([{ rate: 480, hops: HOPS }], 10, [5], 1)) ?? '',
      /with 5 slots instead of 10 the queue hop would grow without end/,
    );
    assert.equal(whatIfSentence([]), null);
  });
});
