import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Engine, EnginePlan, StepMeasurement } from '../engine/plan.ts';
import { NOBODY, startFixture } from '../testing/fixture.ts';
import { makePlan } from '../testing/plans.ts';
import { makeStep } from '../testing/steps.ts';
import { watchParts } from './evidence.ts';
import { findParts } from './parts.ts';

/** What a part would say: counters that its test moves on, and what is called when it has said them. */
type Figures = { cpuS: number; activeS: number; hits: number; requests: number; onTold?: () => void };

async function startPart(t: TestContext, part: string, figures: Figures, startedS = 1): Promise<string> {
  const fixture = await startFixture((_request, response) => {
    figures.onTold?.();
    response.end(`sallyport_build_info{part="${part}",version="1",node="26"} 1
process_cpu_seconds_total ${figures.cpuS}
process_start_time_seconds ${startedS}
process_virtual_memory_bytes ${startedS}
sallyport_event_loop_active_seconds_total{part="${part}"} ${figures.activeS}
sallyport_limit_hits_total{part="${part}",limit="queue"} ${figures.hits}
sallyport_requests_total{part="${part}",code="200"} ${figures.requests}
`);
  });
  t.after(fixture.stop);
  return fixture.url;
}

/** An engine of two steps, 50/s and 100/s, well apart; `onStep` is called as each of them ends. */
function makeEngine(figures: Figures, onStep: (index: number) => void): Engine {
  const run: Engine['run'] = async (_plan, events) => {
    for (const [index, rate] of [50, 100].entries()) {
      await new Promise((resolve) => setTimeout(resolve, 350));
      onStep(index);
      const read = told(figures);
      events.onStep(measurement(rate));
      await read;
    }
    return { error: null, totals: null };
  };
  return { name: 'embedded', run };
}

/** The next reading of the part: what its test changes before it would be read with what was there. */
function told(figures: Figures): Promise<void> {
  return new Promise((resolve) => {
    figures.onTold = resolve;
  });
}

function measurement(rate: number): StepMeasurement {
  return { ...makeStep({ rate }), histograms: null };
}

const IGNORED = { onWarmUp: () => undefined, onProgress: () => undefined, onStep: () => undefined };

async function watched(
  admin: string[] | undefined,
  plan: EnginePlan,
  engine: Engine = { name: 'embedded', run: () => Promise.resolve({ error: null, totals: null }) },
) {
  const watch = await watchParts({ admin }, plan);
  await watch.watching(engine).run(plan, IGNORED, new AbortController().signal);
  return await watch.evidence();
}

describe('the parts’ metrics as evidence', { timeout: 60_000 }, () => {
  test('give the limits that were reached, and at which rate first', async (t) => {
    const figures = { cpuS: 1, activeS: 1, hits: 7, requests: 0 };
    const url = await startPart(t, 'server', figures);
    const engine = makeEngine(figures, (index) => {
      if (index === 1) figures.hits += 5;
    });
    const { limits } = await watched([url], makePlan(url), engine);
    assert.deepEqual(limits, [{ part: 'server', limit: 'queue', hits: 5, firstAt: 100 }]);
  });

  test('give CPU per request of each step, and how busy the event loop was', async (t) => {
    const figures = { cpuS: 1, activeS: 1, hits: 0, requests: 0 };
    const url = await startPart(t, 'entry', figures);
    const engine = makeEngine(figures, (index) => {
      figures.cpuS += index === 0 ? 0.05 : 0.2;
      figures.activeS += 0.1;
    });
    const { partCpu } = await watched([url], makePlan(url), engine);
    // Steps of 500 and of 1000 requests.
    assert.deepEqual(
      partCpu.map(({ rate, usPerRequest }) => [rate, usPerRequest['entry']]),
      [
        [50, 100],
        [100, 200],
      ],
    );
    assert.ok((partCpu[0]?.loopBusy?.['entry'] ?? 0) > 0);
  });

  test('are of all steps together where an engine tells of them at once, and of none where these differ in rate', async (t) => {
    const figures = { cpuS: 1, activeS: 1, hits: 0, requests: 0 };
    const url = await startPart(t, 'entry', figures);
    const cpuOf = async (rates: readonly number[]) => {
      const watch = await watchParts({ admin: [url] }, makePlan(url));
      const atOnce: Engine = {
        name: 'k6',
        run: async (_plan, events) => {
          // Until what its warm-up has cost is read.
          const read = told(figures);
          events.onStepDue?.(0);
          await read;
          figures.cpuS += 0.2;
          for (const rate of rates) events.onStep(measurement(rate));
          return { error: null, totals: null };
        },
      };
      await watch.watching(atOnce).run(makePlan(url), IGNORED, new AbortController().signal);
      return (await watch.evidence()).partCpu;
    };
    const [all, ...others] = await cpuOf([50, 50]);
    // 0.2 s of CPU time for 500 requests in each of both.
    assert.deepEqual([all?.rate, all?.usPerRequest['entry'], others], [50, 200, []]);
    assert.deepEqual(await cpuOf([50, 100]), []);
  });

  test('count what the twin of a gate sent through the same parts', async (t) => {
    const figures = { cpuS: 1, activeS: 1, hits: 0, requests: 0 };
    const url = await startPart(t, 'entry', figures);
    const watch = await watchParts({ admin: [url] }, makePlan(url));
    const engine = makeEngine(figures, () => (figures.cpuS += 0.1));
    const twinned: Engine = {
      ...engine,
      run: (plan, events, signal) => {
        const onStep = (step: StepMeasurement): void =>
          events.onStep({ ...step, arms: { ...step.arms, ...(step.arms.tunnel && { twin: step.arms.tunnel }) } });
        return engine.run(plan, { ...events, onStep }, signal);
      },
    };
    await watch.watching(twinned).run(makePlan(url), IGNORED, new AbortController().signal);
    const { partCpu } = await watch.evidence();
    // 0.1 s of CPU time for 500 requests of each arm.
    assert.equal(partCpu[0]?.usPerRequest['entry'], 100);
  });

  test('are read with the credential that the ports want, and without it say which flag is missing', async (t) => {
    const authorization = 'Bearer id.secret';
    const { url, stop } = await startFixture(({ headers }, response) => {
      response.writeHead(headers.authorization === authorization ? 200 : 401);
      response.end('sallyport_build_info{part="entry"} 1\n');
    });
    t.after(stop);
    const admin = [url];
    const { parts } = await findParts({ admin, adminAuthorization: authorization }, false);
    assert.deepEqual(
      parts.map(({ name }) => name),
      ['entry'],
    );
    assert.match((await findParts({ admin }, false)).notes.join(), /it wants --admin-credential FILE$/);
  });

  test('number parts of one kind, and count a process that two parts share once', async (t) => {
    const figures = { cpuS: 1, activeS: 1, hits: 0, requests: 0 };
    const urls = await Promise.all([
      startPart(t, 'server', figures, 1),
      startPart(t, 'entry', figures, 1),
      startPart(t, 'client', figures, 2),
      startPart(t, 'client', figures, 3),
    ]);
    const { partCpu } = await watched(
      urls,
      makePlan(urls[0] ?? ''),
      makeEngine(figures, () => undefined),
    );
    assert.deepEqual(Object.keys(partCpu[0]?.usPerRequest ?? {}), ['server+entry', 'client', 'client 2']);
  });

  test('that cannot be had are a note, and never an error', async (t) => {
    const stranger = await startFixture();
    t.after(stranger.stop);
    const { notes, limits } = await watched([stranger.url, NOBODY], makePlan(stranger.url));
    assert.deepEqual(limits, []);
    assert.match(notes.join('\n'), /could not be read: it is no part of a tunnel/);
    assert.match(notes.join('\n'), /could not be read: nobody answers/);
  });

  test('are not looked for by themselves beside a target on another machine', async () => {
    const { notes } = await watched(undefined, makePlan('http://203.0.113.1/'));
    assert.match(notes.join('\n'), /give --admin URL/);
  });

  test('come with the machine’s fingerprint', async (t) => {
    const url = await startPart(t, 'entry', { cpuS: 1, activeS: 1, hits: 0, requests: 0 });
    const { fingerprint } = await watched([url], makePlan(url));
    assert.equal(fingerprint['node'], process.version);
    assert.ok('load average before' in fingerprint);
  });
});
