import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeStep, makeSteps } from '../testing/steps.ts';
import type { StepShape } from '../testing/steps.ts';
import { verdict } from './verdict.ts';

const judge = (...shapes: StepShape[]) => verdict(makeSteps([{ rate: 50 }, { rate: 100 }, ...shapes]));

const failing = (errors: Record<string, number>) => ({ rate: 200, tunnel: { failed: 400, errors }, lagP99Ms: 30 });

describe('the verdict on a ramp that was carried', () => {
  test('is nobody’s fault, and not saturated', () => {
    const { fault, hop, at, kneeRate, confidence, sentence } = judge({ rate: 200 });
    assert.deepEqual(
      { fault, hop, at, kneeRate, confidence },
      { fault: 'none', hop: null, at: null, kneeRate: null, confidence: 0.95 },
    );
    assert.match(sentence, /^No fault: at 200 requests\/s 100\.00 % succeeded/);
  });

  test('stays so with a lagging generator, whose lag is in the figures already, and says so', () => {
    const { fault, confidence, evidence } = judge({ rate: 200, lagP99Ms: 1.5 });
    assert.equal(fault, 'none');
    assert.equal(confidence, 0.8);
    assert.match(evidence.join('\n'), /own lag 1\.5 ms at 200\/s/);
  });

  test('is nobody’s though a pause made one in twenty late at a rate that higher ones carried', () => {
    const steps = makeSteps([
      { rate: 50, tunnel: { achieved: 0.955, p99: 175 }, badSeconds: 1 },
      { rate: 100 },
      { rate: 500 },
    ]);
    const { fault, confidence, evidence } = verdict(steps);
    assert.deepEqual([fault, confidence], ['none', 0.8]);
    assert.match(evidence.join('\n'), /disturbance at 50\/s that did not last: 95\.5 % of the offered/);
  });

  test('says rates with no more digits than mean something', () => {
    const { sentence, evidence } = verdict(makeSteps([{ rate: 100 / 3 }, { rate: 200 / 3 }]));
    assert.match(sentence, /at 66\.667 requests\/s/);
    assert.doesNotMatch([sentence, ...evidence].join(), /\d\.\d{4}/);
  });

  test('names a disturbance in the middle', () => {
    const { fault, evidence } = judge({ rate: 200, tunnel: { p99: 50 } }, { rate: 500 });
    assert.equal(fault, 'none');
    assert.match(evidence.join('\n'), /disturbance at 200\/s/);
  });
});

describe('the verdict on the generator, asked before all others', () => {
  const broken = {
    rate: 200,
    tunnel: { p99: 60, achieved: 0.9 },
    direct: { p99: 60, achieved: 0.9 },
    hops: { queue: 50 },
  };

  test('is guilty by a lag that explains the tail', () => {
    const { fault, at, kneeRate } = judge({ ...broken, lagP99Ms: 30 });
    assert.deepEqual({ fault, at, kneeRate }, { fault: 'generator', at: 200, kneeRate: 200 });
  });

  test('is not guilty by a lag too small to explain it', () => {
    assert.equal(judge({ ...broken, lagP99Ms: 3 }).fault, 'backend');
  });

  test('is guilty by one process of several that does not get its CPU, whatever they have together', () => {
    const step = makeStep(broken);
    const processes = [
      { elu: 0.5, cpuPercent: 10 },
      { elu: 0.1, cpuPercent: 45 },
    ];
    const starved = { ...step, generator: { ...step.generator, elu: 0.5, cpuPercent: 55, processes } };
    const { fault, evidence } = verdict([...makeSteps([{ rate: 50 }, { rate: 100 }]), starved]);
    assert.equal(fault, 'generator');
    assert.match(evidence.join('\n'), /busy 50\.0 % of the time with 10 % of a core/);
  });

  test('is guilty by a late departure, a busy loop, stolen or withheld CPU', () => {
    assert.equal(judge({ ...broken, sentRatio: 0.99 }).fault, 'generator');
    assert.equal(judge({ ...broken, elu: 0.75 }).fault, 'generator');
    assert.equal(judge({ ...broken, stealPercent: 5 }).fault, 'generator');
    assert.equal(judge({ ...broken, throttledPercent: 5 }).fault, 'generator');
  });

  test('is not guilty of error answers by any lag, but of its own want of ports', () => {
    assert.equal(judge(failing({ connection_reset: 400 })).fault, 'tunnel');
    assert.equal(judge(failing({ timeout: 400 })).fault, 'generator');
    const refused = { rate: 200, tunnel: { p99: 700, failed: 400, statusCodes: { 200: 1600, 503: 400 } } };
    assert.equal(judge({ ...refused, lagP99Ms: 800 }).fault, 'generator');
    assert.equal(judge({ ...refused, lagP99Ms: 80 }).fault, 'tunnel');
    assert.equal(judge({ ...failing({ no_local_port: 400 }), lagP99Ms: 0.1 }).fault, 'generator');
  });

  test('is passed over where a higher step is as bad and not spoilt by it', () => {
    const pause = { rate: 200, tunnel: { p99: 200 }, lagP99Ms: 120 };
    const limit = { rate: 500, tunnel: { p50: 900, p99: 2000, achieved: 0.6 }, hops: { queue: 1900 } };
    const { fault, hop, at, evidence } = judge(pause, limit);
    assert.deepEqual([fault, hop, at], ['tunnel', 'queue', 500]);
    assert.match(evidence.join('\n'), /passed over 200\/s, spoilt: generator: p99 of its own lag 120\.0 ms/);
    assert.equal(judge(pause, { ...limit, lagP99Ms: 900 }).at, 200);
  });

  test('is guilty by drops only when its limit was too low for the load', () => {
    const dropped = { rate: 200, tunnel: { p50: 900, p99: 2000, dropped: 500 }, hops: { queue: 1900 } };
    assert.equal(judge({ ...dropped, maxInFlight: 2000 }).fault, 'tunnel');
    assert.equal(
      verdict(makeSteps([{ rate: 5000, tunnel: { p50: 300, dropped: 5 }, maxInFlight: 2000 }])).fault,
      'generator',
    );
  });
});

describe('the verdict on the backend', () => {
  test('comes from a direct arm that degrades at the same rate', () => {
    const result = judge({
      rate: 200,
      tunnel: { p50: 70, p99: 90 },
      direct: { p50: 60, p99: 80 },
      hops: { backend: 80 },
    });
    assert.deepEqual([result.fault, result.hop, result.at], ['backend', null, 200]);
    assert.ok(result.confidence >= 0.8);
    assert.match(
      result.sentence,
      /^The backend: from 200 requests\/s on it did not keep up when asked directly either/,
    );
    assert.match(result.sentence, /its ceiling is about 400 requests\/s over both ways\.$/);
  });

  test('comes from a slow median although the tunnel’s queue grew more', () => {
    const shape = {
      rate: 200,
      tunnel: { p50: 3000, p99: 5000, achieved: 0.5 },
      direct: { p50: 100, p99: 120 },
      hops: { queue: 4900, backend: 100 },
    };
    assert.equal(judge(shape).fault, 'backend');
  });

  test('comes from failures that are there without the tunnel, too', () => {
    const failing = { failed: 400, statusCodes: { 200: 1600, 500: 400 } };
    assert.equal(judge({ rate: 200, tunnel: failing, direct: failing }).fault, 'backend');
  });

  test('can be had without a direct arm, from its hop, with less confidence', () => {
    const steps = makeSteps([
      { rate: 50, direct: null },
      { rate: 100, direct: null, tunnel: { p50: 50, p99: 80 }, hops: { backend: 75 } },
    ]);
    const { fault, confidence } = verdict(steps);
    assert.equal(fault, 'backend');
    assert.equal(confidence, 0.6);
  });

  test('can be had without a direct arm from its own error answers', () => {
    const tunnel = { failed: 400, statusCodes: { 200: 600, 500: 400 } };
    assert.equal(verdict(makeSteps([{ rate: 100, direct: null, tunnel }])).fault, 'backend');
  });

  test('is not given for the tail of a backend that starves beside a busy tunnel', () => {
    const shape = {
      rate: 200,
      tunnel: { p50: 200, p99: 500, achieved: 0.8 },
      direct: { p50: 1.5, p99: 20 },
      hops: { client: 450, backend: 15 },
    };
    const { fault, hop } = judge(shape);
    assert.deepEqual([fault, hop], ['tunnel', 'client']);
  });
});

describe('the verdict on the tunnel', () => {
  test('is not given away to a backend whose own hop did not grow with the direct arm', () => {
    const shape = { rate: 200, tunnel: { p99: 60 }, direct: { p99: 35 }, hops: { client: 50, backend: 5 } };
    assert.deepEqual([judge(shape).fault, judge(shape).hop], ['tunnel', 'client']);
    assert.equal(judge({ ...shape, hops: { client: 10, backend: 40 } }).fault, 'backend');
  });

  test('names the hop that grew most', () => {
    for (const hop of ['entry', 'uplink', 'queue', 'link', 'slot', 'client', 'backend'] as const) {
      const result = judge({ rate: 200, tunnel: { p50: 20, p99: 60 }, hops: { [hop]: 55 } });
      assert.deepEqual([result.fault, result.hop, result.at], ['tunnel', hop, 200]);
      assert.match(result.sentence, new RegExp(`^The tunnel, hop "${hop}": from 200 requests/s on`));
    }
  });

  test('compares with the hop’s own smallest value, not with the largest hop', () => {
    const slowBackend = { backend: 40 };
    const steps = makeSteps([
      { rate: 50, tunnel: { p50: 41, p99: 42 }, direct: { p50: 40, p99: 41 }, hops: slowBackend },
      {
        rate: 500,
        tunnel: { p50: 60, p99: 140 },
        direct: { p50: 40, p99: 41 },
        hops: { ...slowBackend, queue: 88, link: 10 },
      },
    ]);
    // 140 ms are over three times 42 ms; of the hops the queue grew by 88 ms and the backend by nothing.
    assert.deepEqual([verdict(steps).fault, verdict(steps).hop], ['tunnel', 'queue']);
  });

  test('takes the hop from error answers that say it', () => {
    const tunnel = {
      failed: 800,
      statusCodes: { 200: 1200, 503: 800 },
      errors: { SP_QUEUE_FULL: 800 },
      errorHops: { queue: 800 },
    };
    const { fault, hop, evidence } = judge({ rate: 200, tunnel });
    assert.deepEqual([fault, hop], ['tunnel', 'queue']);
    assert.match(evidence.join('\n'), /800 × SP_QUEUE_FULL/);
  });

  test('has no hop when the time was lost where no hop looks', () => {
    const { fault, hop, evidence } = judge({ rate: 200, tunnel: { p50: 20, p99: 300 }, hops: { entry: 6 } });
    assert.deepEqual([fault, hop], ['tunnel', null]);
    assert.match(evidence.join('\n'), /time that no hop saw/);
  });

  test('is given against a healthy direct arm even without hops', () => {
    const steps = makeSteps([
      { rate: 50, hops: null },
      { rate: 100, hops: null, tunnel: { p99: 90 } },
    ]);
    assert.deepEqual([verdict(steps).fault, verdict(steps).hop], ['tunnel', null]);
  });
});

describe('no verdict', () => {
  test('comes from too few requests', () => {
    const { fault, confidence, sentence } = verdict([makeStep({ rate: 4, durationS: 10 })]);
    assert.deepEqual([fault, confidence], ['inconclusive', 0]);
    assert.match(sentence, /too little/);
    assert.equal(verdict([]).fault, 'inconclusive');
  });

  test('comes from a lone arm without hops', () => {
    const steps = makeSteps([
      { rate: 50, direct: null, hops: null },
      { rate: 100, direct: null, hops: null, tunnel: { p99: 90 } },
    ]);
    const { fault, at, sentence } = verdict(steps);
    assert.deepEqual([fault, at], ['inconclusive', 100]);
    assert.match(sentence, /give --direct/);
  });
});
