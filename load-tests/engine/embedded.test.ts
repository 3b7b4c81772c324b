import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ArmReport } from '../report/model.ts';
import { NOBODY, answerWell, startFixture, withBody } from '../testing/fixture.ts';
import type { Fixture } from '../testing/fixture.ts';
import { Journal, makeArm, makePlan } from '../testing/plans.ts';
import { embeddedEngine } from './embedded.ts';
import type { EnginePlan } from './plan.ts';

const never = new AbortController().signal;

async function serve(context: TestContext, answer?: Parameters<typeof startFixture>[0]): Promise<Fixture> {
  const fixture = await startFixture(answer);
  context.after(() => fixture.stop());
  return fixture;
}

async function runOne(plan: EnginePlan): Promise<{ tunnel: ArmReport; journal: Journal }> {
  const journal = new Journal();
  const { error } = await embeddedEngine.run(plan, journal, never);
  assert.equal(error, null);
  const tunnel = journal.steps[0]?.arms.tunnel;
  assert.ok(tunnel !== undefined);
  return { tunnel, journal };
}

describe('the embedded generator', () => {
  test('sends exactly what the profile asks for, to both arms in rotating order', async (context) => {
    const paths: string[] = [];
    const { url } = await serve(context, (request, response) => {
      paths.push(request.url ?? '');
      answerWell(request, response);
    });
    const arms = [makeArm('tunnel', `${url}t?q=1`), makeArm('direct', `${url}d`)];
    const { journal } = await runOne(
      makePlan(url, {
        arms,
        steps: [
          { rate: 20, durationS: 0.5 },
          { rate: 50, durationS: 0.4 },
        ],
      }),
    );
    assert.deepEqual(
      journal.steps.map(({ arms: done }) => [done.tunnel?.ok, done.direct?.ok]),
      [
        [10, 10],
        [20, 20],
      ],
    );
    assert.deepEqual(
      journal.steps.map(({ complete }) => complete),
      [true, true],
    );
    assert.equal(paths.filter((path) => path === '/t?q=1').length, 30);
    assert.equal(paths.filter((path) => path === '/d').length, 30);
  });

  test('discards a warm-up before the steps', async (context) => {
    const { url } = await serve(context);
    const { journal, tunnel } = await runOne(makePlan(url, { warmUpS: 0.2 }));
    assert.equal(journal.warmUps[0]?.arms.tunnel?.ok, 10);
    assert.equal(tunnel.ok, 20);
  });

  test('reads the tunnel’s hops beside the backend’s own timing, and of the tunnel arm only', async (context) => {
    const { url } = await serve(context);
    const { journal } = await runOne(makePlan(url));
    assert.deepEqual(journal.steps[0]?.hopsMs?.backend, { p50: 0.3, p99: 0.3 });
    assert.deepEqual(journal.steps[0]?.hopsMs?.total, { p50: 0.5, p99: 0.5 });
    const plain = await serve(context, (_request, response) => void response.end('x'));
    assert.equal((await runOne(makePlan(plain.url))).journal.steps[0]?.hopsMs, null);
  });

  test('keeps connections and counts bytes', async (context) => {
    const { url, server } = await serve(context, (_request, response) => void response.end('0123456789'));
    let connections = 0;
    server.on('connection', () => {
      connections += 1;
    });
    const { tunnel } = await runOne(makePlan(url));
    assert.equal(tunnel.bytesIn, 200);
    // One to a request in flight at most; a machine that stalls has many in flight at once.
    const most = Math.max(tunnel.requests / 2, tunnel.inFlightMax);
    assert.ok(connections <= most, `${connections} connections for ${tunnel.requests} requests`);
    assert.equal(tunnel.connects, connections);
  });

  test('sends method, body, fields and each credential in turn', async (context) => {
    const seen: { method: string; body: string; authorization: string }[] = [];
    const { url } = await serve(
      context,
      withBody((request, response, body) => {
        seen.push({ method: request.method ?? '', body, authorization: request.headers.authorization ?? '' });
        response.end();
      }),
    );
    const requests = ['Bearer a.1', 'Bearer b.2'].map((value) => ({
      method: 'POST',
      body: Buffer.from('payload'),
      headers: ['authorization', value],
    }));
    const plan = makePlan(url, { arms: [makeArm('tunnel', url, ...requests)] });
    const { tunnel } = await runOne(plan);
    assert.equal(tunnel.bytesOut, 20 * 'payload'.length);
    assert.ok(seen.every(({ method, body }) => method === 'POST' && body === 'payload'));
    assert.equal(seen.filter(({ authorization }) => authorization === 'Bearer a.1').length, 10);
    assert.equal(seen.filter(({ authorization }) => authorization === 'Bearer b.2').length, 10);
  });

  test('counts arrivals beyond the limit in flight as dropped, and never skips one silently', async (context) => {
    const { url } = await serve(context, () => undefined);
    const { tunnel } = await runOne(makePlan(url, { maxInFlight: 3, timeoutMs: 1000 }));
    // On a machine that stalls for a second the first three time out within the step, and make room for three more.
    assert.deepEqual([tunnel.requests + tunnel.dropped, tunnel.inFlightMax], [20, 3]);
    assert.ok(tunnel.dropped > 0);
    const { timeout = 0, connect_timeout: unopened = 0 } = tunnel.errors;
    assert.deepEqual([timeout + unopened, tunnel.failed], [tunnel.requests, tunnel.requests]);
  });

  test('goes on sending while answers stall, and charges the stall to latency', async (context) => {
    let held: (() => void)[] | null = [];
    const { url } = await serve(context, (_request, response) => {
      if (held === null) {
        response.end('x');
        return;
      }
      held.push(() => response.end('x'));
      if (held.length < 20) return;
      for (const release of held) release();
      held = null;
    });
    const { tunnel } = await runOne(makePlan(url));
    // The first of 20 requests, 20 ms apart, waits for the last.
    assert.equal(tunnel.ok, 20);
    assert.equal(tunnel.inFlightMax, 20);
    assert.ok(tunnel.latencyMs.max >= 380, `${tunnel.latencyMs.max}`);
    assert.ok(tunnel.latencyMs.p50 >= 180, `${tunnel.latencyMs.p50}`);
  });

  test('tells failures apart by status, by kind, and by the tunnel’s own code and hop', async (context) => {
    let turn = 0;
    const { url } = await serve(context, (request, response) => {
      turn += 1;
      if (turn % 4 === 0) return void request.socket.resetAndDestroy();
      if (turn % 4 === 1) return answerWell(request, response);
      if (turn % 4 === 2) return void response.writeHead(404).end('no');
      response.writeHead(503, { 'content-type': 'application/problem+json' });
      response.end('{"title":"x","code":"SP_QUEUE_FULL","hop":"queue"}');
    });
    const { tunnel } = await runOne(makePlan(url));
    assert.deepEqual(tunnel.statusCodes, { 200: 5, 404: 5, 503: 5 });
    assert.deepEqual(tunnel.errors, { SP_QUEUE_FULL: 5, connection_reset: 5 });
    assert.deepEqual(tunnel.errorHops, { queue: 5 });
    assert.deepEqual([tunnel.ok, tunnel.failed], [5, 15]);
  });

  test('takes a body that breaks off for a failure', async (context) => {
    const { url } = await serve(context, (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('short', () => response.destroy());
    });
    const { tunnel } = await runOne(makePlan(url));
    assert.equal(tunnel.ok, 0);
    assert.equal(tunnel.failed, 20);
  });

  test('reports an address where nobody listens by kind', async () => {
    const { tunnel } = await runOne(makePlan(NOBODY));
    assert.deepEqual(tunnel.errors, { connection_refused: 20 });
  });

  test('watches itself', async (context) => {
    const { url } = await serve(context);
    const { journal } = await runOne(makePlan(url));
    const generator = journal.steps[0]?.generator;
    assert.ok(generator !== undefined && generator.elu !== null && generator.cpuPercent !== null);
    assert.ok(generator.elu > 0 && generator.elu < 1);
    assert.ok(generator.cpuPercent > 0);
    assert.ok(generator.sentRatio <= 1);
    // None left within the step of 400 ms only where the first was later than that.
    assert.ok(generator.sentRatio > 0 || generator.lagP99Ms > 400, `${generator.sentRatio}, ${generator.lagP99Ms}`);
  });

  test('closes seconds while it runs', async (context) => {
    const { url } = await serve(context);
    const { journal } = await runOne(makePlan(url, { steps: [{ rate: 50, durationS: 1.3 }] }));
    const seconds = journal.steps[0]?.seconds ?? [];
    assert.equal(
      seconds.reduce((sum, { arms }) => sum + (arms.tunnel?.ok ?? 0), 0),
      65,
    );
    assert.equal(journal.progress.length, seconds.length);
    assert.ok(seconds.length >= 2);
  });
});

describe('an embedded run that is stopped', () => {
  test('ends soon, with what it has, and leaves the rest uncounted', async (context) => {
    const { url } = await serve(context);
    const controller = new AbortController();
    const journal = new Journal(() => controller.abort(), 40);
    const plan = makePlan(url, {
      steps: [
        { rate: 50, durationS: 600 },
        { rate: 50, durationS: 600 },
      ],
    });
    const { error } = await embeddedEngine.run(plan, journal, controller.signal);
    assert.equal(error, null);
    const [step] = journal.steps;
    assert.ok(step !== undefined && journal.steps.length === 1);
    assert.equal(step.complete, false);
    assert.ok(step.durationS >= 0.9 && step.durationS < 60, `${step.durationS}`);
    assert.ok((step.arms.tunnel?.ok ?? 0) >= 40);
    assert.equal(step.arms.tunnel?.failed, 0);
  });

  test('does not wait for answers that never come', async (context) => {
    const { url } = await serve(context, () => undefined);
    const controller = new AbortController();
    const journal = new Journal(() => controller.abort());
    const plan = makePlan(url, { steps: [{ rate: 20, durationS: 600 }], timeoutMs: 300_000 });
    await embeddedEngine.run(plan, journal, controller.signal);
    assert.equal(journal.steps[0]?.arms.tunnel?.requests, 0);
  });

  test('does not begin when it was stopped before', async () => {
    const journal = new Journal();
    await embeddedEngine.run(makePlan('http://127.0.0.1:9/'), journal, AbortSignal.abort());
    assert.deepEqual(journal.steps, []);
  });

  test('is an error with a code when the generator’s process dies', async (context) => {
    const { url } = await serve(context);
    const journal = new Journal(() => {
      const children = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', `${process.pid}`], { encoding: 'utf8' });
      const pid = /^ *(\d+) .*engine\/main\.ts/m.exec(children)?.[1];
      process.kill(Number(pid), 'SIGKILL');
    });
    const plan = makePlan(url, { steps: [{ rate: 20, durationS: 600 }] });
    const { error } = await embeddedEngine.run(plan, journal, never);
    assert.equal(error?.code, 'SP_LOAD_ENGINE');
    assert.match(error?.message ?? '', /SIGKILL/);
  });
});
