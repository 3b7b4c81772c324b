import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeStep } from '../testing/steps.ts';
import type { StepShape } from '../testing/steps.ts';
import { capacitySection, judgeStep, stepsByRate } from './capacity.ts';
import type { JudgedTry } from './capacity.ts';
import { resultOf } from './search.ts';
import type { Outcome } from './search.ts';

const PLAN = { rates: [100, 200, 400], resolution: 0.05, maxTries: 40 };

const tried = (shape: StepShape, outcome: Outcome): JudgedTry => ({
  rate: shape.rate,
  phase: 'step',
  outcome,
  reasons: [],
  step: makeStep({ direct: null, ...shape }),
});

/** Seconds whose medians rise by 20 ms each. */
function climbing(rate: number) {
  const step = makeStep({ rate, direct: null });
  const seconds = step.seconds.map((second, index) => {
    const { tunnel } = second.arms;
    return tunnel === undefined ? second : { ...second, arms: { tunnel: { ...tunnel, p50: 1 + 20 * index } } };
  });
  return { ...step, seconds };
}

describe('a try', () => {
  const lower = [tried({ rate: 100 }, 'carried')];

  test('is carried when nothing speaks against it', () => {
    assert.deepEqual(judgeStep(lower, makeStep({ rate: 200 })), { outcome: 'carried', reasons: [] });
  });

  test('says nothing of a rate with fewer than twenty requests, or none', () => {
    const few = makeStep({ rate: 1 });
    assert.deepEqual(judgeStep([], few), { outcome: 'unfit', reasons: ['only 10 requests; 20 are the least'] });
    assert.equal(judgeStep(lower, makeStep({ rate: 200, durationS: 0 })).outcome, 'unfit');
  });

  test('is carried through one pause at its end, and refused where answers are late throughout', () => {
    const late = { rate: 200, tunnel: { achieved: 0.96 } };
    assert.equal(judgeStep(lower, makeStep(late)).outcome, 'carried');
    assert.equal(judgeStep(lower, makeStep({ ...late, tunnel: { achieved: 0.96, p99: 60 } })).outcome, 'refused');
  });

  test('is refused by a shortfall, by a tail over that of the carried rates below, and by a climb', () => {
    assert.equal(judgeStep(lower, makeStep({ rate: 200, tunnel: { achieved: 0.9 } })).outcome, 'refused');
    assert.equal(judgeStep(lower, makeStep({ rate: 200, tunnel: { p99: 20 } })).outcome, 'refused');
    const { outcome, reasons } = judgeStep(lower, climbing(200));
    assert.equal(outcome, 'refused');
    assert.match(reasons[0] ?? '', /p50 rises by 20\.0 ms each second/);
  });

  test('is held against no higher and no refused rate', () => {
    const others = [
      tried({ rate: 400, tunnel: { p99: 0.1 } }, 'carried'),
      tried({ rate: 100, tunnel: { p99: 0.1 } }, 'refused'),
    ];
    assert.equal(judgeStep(others, makeStep({ rate: 200, tunnel: { p99: 8 } })).outcome, 'carried');
  });

  test('that the generator has spoilt is unfit, and one that was carried all the same is not', () => {
    const spoilt = judgeStep(lower, makeStep({ rate: 200, tunnel: { achieved: 0.9 }, elu: 0.95 }));
    assert.equal(spoilt.outcome, 'unfit');
    assert.match(spoilt.reasons[0] ?? '', /event loop busy/);
    assert.equal(judgeStep(lower, makeStep({ rate: 200, elu: 0.95 })).outcome, 'carried');
  });
});

describe('the steps of a search', () => {
  test('are one for each rate, rising, as most tries of the rate say', () => {
    const tries = [
      tried({ rate: 200 }, 'carried'),
      tried({ rate: 100 }, 'carried'),
      tried({ rate: 200, tunnel: { achieved: 0.5 } }, 'refused'),
      tried({ rate: 200, tunnel: { achieved: 0.6 } }, 'refused'),
    ];
    const steps = stepsByRate(tries);
    assert.deepEqual(
      steps.map(({ rate, outcome }) => [rate, outcome]),
      [
        [100, 'carried'],
        [200, 'refused'],
      ],
    );
    assert.equal(steps[1], tries[3]);
  });
});

const sectionOf = (tries: JudgedTry[], trouble: string | null = null) =>
  capacitySection(tries, resultOf(PLAN, tries), [], trouble);

describe('the capacity section', () => {
  test('has a knee, a sentence, and a law fitted only then', () => {
    // 10 ms alone, saturating at 400/s: throughput stays, the time grows.
    const tries = [
      tried({ rate: 100, tunnel: { p50: 10, p99: 12 } }, 'carried'),
      tried({ rate: 200, tunnel: { p50: 12, p99: 14 } }, 'carried'),
      tried({ rate: 300, tunnel: { p50: 20, p99: 30 } }, 'carried'),
      tried({ rate: 400, tunnel: { p50: 100, p99: 200 } }, 'refused'),
    ];
    const section = sectionOf(tries);
    assert.deepEqual(section.knee, { carriedRate: 300, refusedRate: 400 });
    assert.ok((section.usl?.sigma ?? 0) > 0);
    assert.match(
      section.sentence ?? '',
      /between 300 requests\/s, carried, and 400 requests\/s, not carried \(not confirmed\)/,
    );
    assert.equal(sectionOf(tries.slice(0, 3)).usl, null);
  });

  test('says "not saturated" of a system that carried all, and what ended the search', () => {
    assert.match(sectionOf([tried({ rate: 400 }, 'carried')]).sentence ?? '', /^Not saturated at 400 requests\/s\.$/);
    const unfit = [tried({ rate: 100 }, 'carried'), tried({ rate: 200 }, 'unfit'), tried({ rate: 200 }, 'unfit')];
    assert.match(
      sectionOf(unfit).sentence ?? '',
      /Not saturated at 100 .* at 200 requests\/s the generator or its machine was not fit/,
    );
    assert.match(
      sectionOf([tried({ rate: 100 }, 'refused')], 'it burns').sentence ?? '',
      /Not even 100 .*; it burns\./,
    );
    assert.match(sectionOf([]).sentence ?? '', /Nothing was measured/);
  });
});
