import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { startFixture } from '../testing/fixture.ts';
import { Journal, makeArm, makePlan } from '../testing/plans.ts';
import { makeStep } from '../testing/steps.ts';
import { embeddedEngine } from './embedded.ts';
import type { Progress } from './plan.ts';
import { Fleet } from './fleet.ts';
import { DurationHistogram } from './histogram.ts';
import { SecondsMerge } from './merge.ts';

const never = new AbortController().signal;

async function serve(context: TestContext): Promise<string> {
  const fixture = await startFixture();
  context.after(() => fixture.stop());
  return fixture.url;
}

/** The generators that this process has started. */
function generatorPids(): number[] {
  const children = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', `${process.pid}`], { encoding: 'utf8' });
  return [...children.matchAll(/^ *(\d+) .*engine\/main\.ts/gm)].map(([, pid]) => Number(pid));
}

/** What a generator says of second `atS` of a step of 10/s. */
function progressAt(atS: number): Progress {
  const { arms, seconds } = makeStep({ rate: 10, durationS: 1 + atS });
  return { stepIndex: 0, elapsedS: 1 + atS, arms, second: { ...seconds[0]!, atS }, histograms: {} };
}

describe('several generators', () => {
  test('send one schedule between them and are reported as one', async (context) => {
    const url = await serve(context);
    let most = 0;
    const journal = new Journal(() => {
      most = generatorPids().length;
    });
    const plan = makePlan(url, {
      arms: [makeArm('tunnel', `${url}t`), makeArm('direct', `${url}d`)],
      generators: 3,
      // One that was held up sends what is due at once: each has a third of them.
      maxInFlight: 1_000,
      warmUpS: 0.2,
      steps: [
        { rate: 100, durationS: 1.2 },
        { rate: 50, durationS: 0.4 },
      ],
    });
    assert.equal((await embeddedEngine.run(plan, journal, never)).error, null);
    assert.equal(most, 3);
    assert.equal(journal.warmUps.length, 1);
    const [first, second] = journal.steps;
    assert.ok(first !== undefined && second !== undefined && journal.steps.length === 2);
    assert.deepEqual([first.rate, first.arms.tunnel?.ok, first.arms.direct?.ok], [100, 120, 120]);
    assert.deepEqual([second.rate, second.arms.tunnel?.ok, second.arms.direct?.ok], [50, 20, 20]);
    assert.equal(first.complete, true);
    assert.equal(first.generator.maxInFlight, 1_000);
    assert.equal(first.generator.processes?.length, 3);
    assert.ok(first.seconds.length > 0);
    assert.equal(first.hopsMs?.backend.p50, 0.3);
    const latency = first.histograms?.tunnel?.latency;
    assert.ok(latency !== undefined);
    assert.equal(DurationHistogram.decode(latency).count, 120);
    const okBySecond = first.seconds.map(({ arms }) => arms.tunnel?.ok ?? 0);
    assert.equal(
      okBySecond.reduce((sum, ok) => sum + ok, 0),
      120,
    );
    assert.equal(journal.progress.length, first.seconds.length + second.seconds.length);
    assert.equal(journal.progress.at(first.seconds.length - 1)?.arms.tunnel?.ok, 120);
  });

  test('stop together, with what they have', async (context) => {
    const url = await serve(context);
    const controller = new AbortController();
    const journal = new Journal(() => controller.abort(), 80);
    const plan = makePlan(url, { generators: 2, steps: [{ rate: 100, durationS: 600 }] });
    assert.equal((await embeddedEngine.run(plan, journal, controller.signal)).error, null);
    const [step] = journal.steps;
    assert.equal(step?.complete, false);
    assert.ok((step?.arms.tunnel?.ok ?? 0) >= 80, `${step?.arms.tunnel?.ok}`);
    assert.deepEqual(generatorPids(), []);
  });

  test('are an error when one of them dies, and what the others measured is kept', async (context) => {
    const url = await serve(context);
    const journal = new Journal(() => {
      const [pid] = generatorPids();
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    }, 80);
    const plan = makePlan(url, { generators: 2, steps: [{ rate: 100, durationS: 600 }] });
    const { error } = await embeddedEngine.run(plan, journal, never);
    assert.equal(error?.code, 'SP_LOAD_ENGINE');
    assert.match(error?.message ?? '', /SIGKILL/);
    const [step] = journal.steps;
    assert.equal(step?.complete, false);
    // Half of them, but where one was held up.
    assert.ok((step?.arms.tunnel?.ok ?? 0) > 0, `${step?.arms.tunnel?.ok}`);
    assert.deepEqual(generatorPids(), []);
  });

  test('are not waited for when one says nothing any more', { timeout: 60_000 }, async (context) => {
    const url = await serve(context);
    const journal = new Journal(() => {
      const [pid] = generatorPids();
      if (pid !== undefined) process.kill(pid, 'SIGSTOP');
    });
    const plan = makePlan(url, { generators: 2, steps: [{ rate: 100, durationS: 600 }] });
    const { error } = await new Fleet(plan, journal, 2).run();
    assert.deepEqual([error?.code, error?.message], ['SP_LOAD_ENGINE', '1 of 2 generators said nothing for 2 s']);
    assert.equal(journal.steps[0]?.complete, false);
    assert.deepEqual(generatorPids(), []);
  });

  test('of a closed loop share its workers', async (context) => {
    const url = await serve(context);
    const controller = new AbortController();
    const journal = new Journal(() => controller.abort());
    const steps = [{ rate: 1, durationS: 600 }];
    const plan = makePlan(url, { generators: 2, model: 'closed', connections: 3, steps });
    await embeddedEngine.run(plan, journal, controller.signal);
    const [step] = journal.steps;
    assert.deepEqual([step?.arms.tunnel?.connects, step?.arms.tunnel?.inFlightMax], [3, 3]);
    assert.ok((step?.arms.tunnel?.ok ?? 0) >= 3);
  });

  test('are counted so far with those of them that have ended the step already', () => {
    const merge = new SecondsMerge();
    const [quick, slow] = [progressAt(0), progressAt(0)];
    assert.equal(merge.merge([quick, slow], [quick, slow]).arms.tunnel?.ok, 20);
    const late = progressAt(1);
    const merged = merge.merge([late], [quick, late]);
    assert.deepEqual([merged.arms.tunnel?.ok, merged.elapsedS], [30, 2]);
  });
});

describe('a shard of a plan', () => {
  test('sends its part of the schedule and says so in its rate', async (context) => {
    const url = await serve(context);
    const journal = new Journal();
    const plan = makePlan(url, { shard: { index: 1, count: 4 }, steps: [{ rate: 100, durationS: 0.4 }] });
    await embeddedEngine.run(plan, journal, never);
    assert.deepEqual([journal.steps[0]?.rate, journal.steps[0]?.arms.tunnel?.ok], [25, 10]);
  });
});
