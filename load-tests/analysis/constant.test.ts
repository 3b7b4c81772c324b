import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HopName, StepReport } from '../report/model.ts';
import { makeStep, makeSteps } from '../testing/steps.ts';
import type { StepShape } from '../testing/steps.ts';
import { verdict } from './verdict.ts';

const RATES = [50, 100, 200] as const;
const alike = (shape: Omit<StepShape, 'rate'>) => makeSteps(RATES.map((rate) => ({ rate, ...shape })));

/** The same step with these medians of hops, and their sum. */
function withHopP50(step: StepReport, p50: Partial<Record<HopName, number>>): StepReport {
  if (step.hopsMs === null) return step;
  const hopsMs = { ...step.hopsMs };
  for (const [hop, value] of Object.entries(p50) as [HopName, number][]) hopsMs[hop] = { p50: value, p99: value };
  const sum = Object.values(p50).reduce((all, value) => all + value, 0);
  return { ...step, hopsMs: { ...hopsMs, total: { p50: sum, p99: sum } } };
}

/** The same step with one second in which these arms stalled for a second. */
function withStall(step: StepReport, ...arms: ('tunnel' | 'direct')[]): StepReport {
  const stalled = { ok: 50, failed: 0, p50: 30, p99: 980, max: 1000 };
  const seconds = step.seconds.map((second, index) =>
    index === 4
      ? { ...second, arms: { ...second.arms, ...Object.fromEntries(arms.map((arm) => [arm, stalled])) } }
      : second,
  );
  return { ...step, seconds };
}

const oneInHundred = (requests: number) => ({
  failed: requests / 100,
  statusCodes: { 200: requests, 500: requests / 100 },
});

describe('failures at rates that are carried', () => {
  test('are the backend’s when it fails as often when asked directly', () => {
    const steps = makeSteps(
      RATES.map((rate) => ({ rate, tunnel: oneInHundred(rate * 10), direct: oneInHundred(rate * 10) })),
    );
    const { fault, hop, kneeRate, sentence } = verdict(steps);
    assert.deepEqual([fault, hop, kneeRate], ['backend', null, null]);
    assert.match(sentence, /^The backend: already at 50 requests\/s, well within what it carries/);
  });

  test('are the backend’s even where the tunnel asks again and hides them', () => {
    assert.equal(verdict(alike({ direct: { failed: 5, errors: { connection_reset: 5 } } })).fault, 'backend');
  });

  test('are the tunnel’s when the direct arm has none, with the hop that its answers name', () => {
    const tunnel = { failed: 4, errors: { SP_LINK_LOST: 4 }, errorHops: { link: 4 } };
    const { fault, hop, evidence } = verdict(alike({ tunnel }));
    assert.deepEqual([fault, hop], ['tunnel', 'link']);
    assert.match(evidence.join('\n'), /12 × SP_LINK_LOST/);
  });

  test('are the backend’s without a direct arm, when they came from behind the tunnel', () => {
    const tunnel = { failed: 4, statusCodes: { 200: 496, 500: 4 } };
    assert.equal(verdict(alike({ tunnel, direct: null })).fault, 'backend');
  });

  test('are the generator’s when it ran out of descriptors', () => {
    const arm = { failed: 4, errors: { no_file_descriptor: 4 } };
    assert.equal(verdict(alike({ tunnel: arm, direct: arm })).fault, 'generator');
  });

  test('are told although the generator was late: no lag makes a backend reset', () => {
    const direct = { failed: 20, errors: { connection_reset: 20 } };
    const late = { rate: 200, tunnel: { p50: 20, p99: 300 }, direct: { ...direct, p99: 280 }, lagP99Ms: 90 };
    const { fault, evidence } = verdict(makeSteps([{ rate: 50 }, late]));
    assert.equal(fault, 'backend');
    assert.match(evidence.join('\n'), /own lag 90\.0 ms/);
    const timeouts = { ...late, direct: { failed: 20, errors: { timeout: 20 }, p99: 280 } };
    assert.equal(verdict(makeSteps([{ rate: 50 }, timeouts])).fault, 'generator');
  });

  test('are nobody’s when there are two in a run, or one in a thousand', () => {
    assert.equal(verdict(makeSteps([{ rate: 50, tunnel: { failed: 2 } }, { rate: 100 }])).fault, 'none');
    assert.equal(verdict(makeSteps([{ rate: 500, tunnel: { failed: 5 } }])).fault, 'none');
  });
});

describe('a delay at every rate alike', () => {
  const slow = { tunnel: { p50: 52, p99: 56 }, direct: { p50: 1, p99: 2 } };

  test('is the tunnel’s, with the hop that holds it', () => {
    const steps = alike(slow).map((step) => withHopP50(step, { link: 51, uplink: 0.5 }));
    const { fault, hop, at, kneeRate, sentence } = verdict(steps);
    assert.deepEqual([fault, hop, at, kneeRate], ['tunnel', 'link', 50, null]);
    assert.match(sentence, /^The tunnel, hop "link": already at 50 requests\/s/);
  });

  test('has no hop when it is outside all of them, as a body’s way is', () => {
    const steps = alike(slow).map((step) => withHopP50(step, { link: 0.5 }));
    assert.deepEqual([verdict(steps).fault, verdict(steps).hop], ['tunnel', null]);
  });

  test('is told without a direct arm from what the backend hop does not hold', () => {
    const shape = { tunnel: { p50: 60, p99: 65 }, direct: null };
    const backend = alike(shape).map((step) => withHopP50(step, { backend: 58, link: 0.5 }));
    assert.equal(verdict(backend).fault, 'none');
    const uplink = alike(shape).map((step) => withHopP50(step, { backend: 2, uplink: 56 }));
    assert.deepEqual([verdict(uplink).fault, verdict(uplink).hop], ['tunnel', 'uplink']);
  });

  test('in the tail alone is the tunnel’s where the generator was in time, and nobody’s otherwise', () => {
    const tail = { tunnel: { p50: 2, p99: 120 }, direct: { p50: 1, p99: 3 }, hops: { link: 110 } };
    assert.deepEqual([verdict(alike(tail)).fault, verdict(alike(tail)).hop], ['tunnel', 'link']);
    assert.equal(verdict(alike({ ...tail, lagP99Ms: 40 })).fault, 'none');
  });

  test('in the tail that becomes shorter with the rate, as on a lossy line, counts where it is ten times the direct one', () => {
    // As seen with 2 % of packets lost.
    const tails = [155, 103, 40, 20].map((p99, i) => ({ rate: 10 * 2 ** i, tunnel: { p50: 2, p99 } }));
    const lossy = (directP99: number) =>
      makeSteps(
        tails.map((each) => ({ ...each, direct: { p50: 1, p99: directP99 }, hops: { link: each.tunnel.p99 } })),
      );
    assert.deepEqual([verdict(lossy(2)).fault, verdict(lossy(2)).hop], ['tunnel', 'link']);
    assert.equal(verdict(lossy(3)).fault, 'none');
  });

  test('is nobody’s when it is what a tunnel may cost', () => {
    assert.equal(verdict(alike({ tunnel: { p50: 9, p99: 40 }, direct: { p50: 1, p99: 2 } })).fault, 'none');
  });

  test('is nobody’s when the backend has it as well', () => {
    assert.equal(verdict(alike({ tunnel: { p50: 80, p99: 90 }, direct: { p50: 78, p99: 88 } })).fault, 'none');
  });
});

const judge = (stalled: StepReport) => verdict([makeStep({ rate: 20 }), stalled, makeStep({ rate: 100 })]);

describe('a stall of a second', () => {
  const step = makeStep({ rate: 50 });
  test('is the backend’s when the direct arm stalled as well', () => {
    const { fault, at, evidence } = judge(withStall(step, 'tunnel', 'direct'));
    assert.deepEqual([fault, at], ['backend', 50]);
    assert.match(evidence.join('\n'), /the direct arm stalled in the same second/);
  });

  test('is the tunnel’s when it did not', () => {
    assert.equal(judge(withStall(step, 'tunnel')).fault, 'tunnel');
  });

  test('is nobody’s when the generator stood still, too: then the machine did', () => {
    const paused = withStall({ ...step, generator: { ...step.generator, lagP99Ms: 700 } }, 'tunnel', 'direct');
    assert.notEqual(judge(paused).fault, 'backend');
    assert.notEqual(judge(paused).fault, 'tunnel');
  });

  test('is nobody’s when the generator was late by a tenth of it, for want of CPU', () => {
    const late = withStall({ ...step, generator: { ...step.generator, lagP99Ms: 158, elu: 0.23 } }, 'tunnel');
    const { fault, confidence } = judge(late);
    assert.deepEqual([fault, confidence], ['none', 0.8]);
  });

  test('is nobody’s when the direct arm was held up by over half of it', () => {
    const held = withStall(step, 'tunnel');
    const slow = { ok: 50, failed: 0, p50: 1, p99: 500, max: 510 };
    const seconds = held.seconds.map((second, index) =>
      index === 4 ? { ...second, arms: { ...second.arms, direct: slow } } : second,
    );
    assert.equal(judge({ ...held, seconds }).fault, 'none');
  });
});

describe('a generator that was late at most rates', () => {
  test('is named though every rate was carried', () => {
    const { fault, kneeRate } = verdict(
      alike({ tunnel: { p50: 8, p99: 70 }, direct: { p50: 8, p99: 70 }, lagP99Ms: 60 }),
    );
    assert.deepEqual([fault, kneeRate], ['generator', null]);
  });

  test('is not named for one late rate of three', () => {
    const late = { rate: 100, tunnel: { p50: 8, p99: 70 }, direct: { p50: 8, p99: 70 }, lagP99Ms: 60 };
    assert.notEqual(verdict(makeSteps([{ rate: 50 }, late, { rate: 200 }])).fault, 'generator');
  });
});
