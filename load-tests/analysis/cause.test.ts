import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NO_EVIDENCE } from '../report/evidence.ts';
import type { Evidence } from '../report/evidence.ts';
import type { StepReport } from '../report/model.ts';
import { makeSteps } from '../testing/steps.ts';
import { behindQueue } from './cause.ts';
import { verdict } from './verdict.ts';

const queued = makeSteps([
  { rate: 50 },
  { rate: 200, tunnel: { p50: 900, p99: 2000, achieved: 0.6 }, hops: { queue: 1900 } },
]);
const unseen = makeSteps([
  { rate: 50 },
  { rate: 200, tunnel: { p50: 20, p99: 300, achieved: 0.9 }, hops: { entry: 6 } },
]);
const uplink = makeSteps([{ rate: 50 }, { rate: 200, tunnel: { p50: 80, p99: 300 }, hops: { uplink: 290 } }]);

const starved = (part: string): Evidence => ({
  ...NO_EVIDENCE,
  partCpu: [{ rate: 200, usPerRequest: {}, cores: { [part]: 0.1 }, loopBusy: { [part]: 0.97 } }],
});

/** The second step's median of a hop, or of the service. */
function held(steps: StepReport[], link: number, serviceP50: number | null = null): StepReport[] {
  return steps.map((step, index) => {
    if (index === 0 || step.hopsMs === null) return step;
    const { tunnel } = step.arms;
    const serviceMs = { ...tunnel.serviceMs, ...(serviceP50 !== null && { p50: serviceP50, p99: 5000 }) };
    return {
      ...step,
      arms: { ...step.arms, tunnel: { ...tunnel, serviceMs } },
      hopsMs: { ...step.hopsMs, link: { p50: link, p99: link }, total: { p50: 400, p99: 2000 } },
    };
  });
}

/** At every step but the first the median request waits for a slot. */
function waits(step: StepReport, waitMs: number): StepReport {
  if (step.hopsMs === null || step.rate === 200) return step;
  return { ...step, hopsMs: { ...step.hopsMs, queue: { ...step.hopsMs.queue, p50: waitMs } } };
}

describe('behind a queue', () => {
  test('is nothing when a slot is held as long as ever: the slots are too few', () => {
    assert.equal(behindQueue(queued, 1), undefined);
    assert.deepEqual([verdict(queued).fault, verdict(queued).hop], ['tunnel', 'queue']);
  });

  test('is the backend when the direct arm is past its knee as well, though less than the tunnel', () => {
    const limit = { rate: 1000, tunnel: { p50: 4, p99: 107 }, hops: { queue: 86, backend: 30 } };
    const both = makeSteps([{ rate: 200 }, { ...limit, direct: { p50: 2, p99: 50 } }]);
    assert.equal(verdict(both).fault, 'backend');
    assert.match(verdict(both).evidence.join('\n'), /requests queue for slots that the backend holds/);
    for (const p99 of [4, 14]) {
      const direct = makeSteps([{ rate: 200 }, { ...limit, direct: { p50: 1, p99 } }]);
      const waiting = direct.map((step) => waits(step, 40));
      assert.deepEqual([verdict(waiting).fault, verdict(waiting).hop], ['tunnel', 'queue']);
    }
  });

  test('is the backend when a queue comes in bursts, the slots enough and the tail of the backend grown most', () => {
    // As seen: httpbin with 8 workers at 1000/s, 10 slots held for 2 ms.
    const limit = { rate: 1000, tunnel: { p50: 3, p99: 59 }, direct: { p50: 1.8, p99: 15 } };
    const bursts = makeSteps([{ rate: 200 }, { ...limit, hops: { queue: 38, backend: 9, link: 6 } }]);
    assert.equal(verdict(bursts).fault, 'backend');
    const link = makeSteps([{ rate: 200 }, { ...limit, hops: { queue: 38, backend: 9, link: 30 } }]);
    assert.equal(verdict(link).fault, 'tunnel');
    assert.equal(verdict(bursts.map((step) => waits(step, 20))).fault, 'tunnel');
  });

  test('is the hop that lengthened the time a slot is held', () => {
    const { hop, evidence } = verdict(held(queued, 300));
    assert.equal(hop, 'link');
    assert.match(evidence.join('\n'), /a slot was held .* most of it in the link hop: the queue follows from that/);
  });

  test('is no hop when it is the way of the bodies', () => {
    assert.equal(behindQueue(held(queued, 0.1, 900), 1)?.hop, null);
  });
});

describe('a part that does not get its CPU', () => {
  test('is the entry, where time was lost in no hop or in the uplink', () => {
    for (const steps of [unseen, uplink]) {
      const { fault, hop, evidence } = verdict(steps, starved('entry'));
      assert.deepEqual([fault, hop], ['tunnel', 'entry']);
      assert.match(evidence.join('\n'), /entry: its event loop worked 97 % of the time with 10 % of a core/);
    }
  });

  test('is the client, where the queue behind its slots grew, or the link that it reads', () => {
    const link = makeSteps([{ rate: 50 }, { rate: 200, tunnel: { p50: 80, p99: 300 }, hops: { link: 290 } }]);
    for (const steps of [queued, link]) assert.equal(verdict(steps, starved('client')).hop, 'client');
    assert.equal(verdict(uplink, starved('client')).hop, 'uplink');
  });

  test('is said, and changes no hop, where it is another', () => {
    const { hop, evidence } = verdict(uplink, starved('server'));
    assert.equal(hop, 'uplink');
    assert.match(evidence.join('\n'), /server: its event loop worked/);
  });

  test('is to blame for a tail at one rate, though a higher one is carried; without it that is nobody’s', () => {
    const tail = { rate: 200, tunnel: { p50: 3, p99: 165 }, hops: { uplink: 110, link: 60 } };
    const steps = makeSteps([{ rate: 50 }, tail, { rate: 400, tunnel: { p50: 3, p99: 5 } }]);
    const { fault, hop, at, kneeRate, evidence } = verdict(steps, starved('server'));
    assert.deepEqual([fault, hop, at, kneeRate], ['tunnel', 'uplink', 200, null]);
    assert.match(evidence.join('\n'), /server: its event loop worked 97 % of the time with 10 % of a core/);
    assert.equal(verdict(steps).fault, 'none');
    const asMuchDirect = { ...tail, direct: { p50: 3, p99: 120 } };
    const alike = makeSteps([{ rate: 50 }, asMuchDirect, { rate: 400, tunnel: { p50: 3, p99: 5 } }]);
    assert.equal(verdict(alike, starved('server')).fault, 'none');
  });

  test('is nobody who works much and has the CPU for it', () => {
    const busy = { rate: 200, usPerRequest: {}, cores: { entry: 0.9 }, loopBusy: { entry: 0.97 } };
    assert.equal(verdict(uplink, { ...NO_EVIDENCE, partCpu: [busy] }).hop, 'uplink');
  });
});

describe('a machine without enough CPU', () => {
  const short = { entry: 0.1, server: 0.1 };
  const busy = { entry: 0.9, server: 0.8, client: 0.02 };

  test('is named, and none of the parts that share its want', () => {
    const partCpu = [{ rate: 200, usPerRequest: {}, cores: short, loopBusy: busy }];
    const { fault, evidence } = verdict(uplink, { ...NO_EVIDENCE, partCpu });
    assert.equal(fault, 'generator');
    assert.match(evidence.join('\n'), /machine: entry, server all got less than half of the CPU/);
  });

  test('is no excuse for answers that failed', () => {
    const partCpu = [{ rate: 200, usPerRequest: {}, cores: short, loopBusy: busy }];
    const failing = { rate: 200, tunnel: { failed: 400, errors: { connection_reset: 400 } } };
    assert.equal(verdict(makeSteps([{ rate: 50 }, failing]), { ...NO_EVIDENCE, partCpu }).fault, 'tunnel');
  });

  test('shows in the generator’s own loop: busy much longer than it had a core', () => {
    const generator = { elu: 0.31 };
    const slow = { rate: 200, tunnel: { p50: 139, p99: 680 }, direct: { p50: 43, p99: 383 }, ...generator };
    const { fault, evidence } = verdict(makeSteps([{ rate: 50 }, slow]));
    assert.equal(fault, 'generator');
    assert.match(evidence.join('\n'), /event loop busy 31\.0 % of the time with 10 % of a core/);
  });
});

describe('a limit that was reached', () => {
  const limits = [{ part: 'entry', limit: 'connections', hits: 12, firstAt: 200 }];

  test('is quoted, and names the hop where nothing else does', () => {
    const failing = { rate: 200, tunnel: { failed: 400, errors: { connection_reset: 400 } } };
    const { fault, hop, evidence } = verdict(makeSteps([{ rate: 50 }, failing]), { ...NO_EVIDENCE, limits });
    assert.deepEqual([fault, hop], ['tunnel', 'entry']);
    assert.match(evidence.join('\n'), /limit reached: connections of the entry, 12 times/);
  });

  test('is not quoted for a rate below the one that reached it', () => {
    const late = limits.map((each) => ({ ...each, firstAt: 500 }));
    assert.doesNotMatch(verdict(uplink, { ...NO_EVIDENCE, limits: late }).evidence.join('\n'), /limit reached/);
  });
});
