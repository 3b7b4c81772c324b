import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { loadRamp } from '../src/load-ramp.ts';
import { loadReport } from '../src/load-report.ts';
import type { ArmReport } from '../report/model.ts';
import { answerWell, startFixture, withBody } from '../testing/fixture.ts';
import { skipWithoutK6 } from '../testing/k6.ts';
import { Journal, makeArm, makePlan } from '../testing/plans.ts';
import { findK6, k6Engine } from './k6.ts';

const skip = skipWithoutK6();
const timeout = 60_000;
/** Of a request: a busy machine must not make it fail. */
const timeoutMs = 20_000;
const headers = (credential: string) => ['authorization', credential];

describe('finding k6', () => {
  test('takes what SALLYPORT_K6 names, then the first on PATH', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'k6-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'k6');
    writeFileSync(file, '#!/bin/sh\n');
    assert.throws(() => findK6({ PATH: folder }), { code: 'SP_LOAD_NO_K6' });
    chmodSync(file, 0o755);
    assert.equal(findK6({ PATH: `/nowhere:${folder}` }), file);
    assert.equal(findK6({ SALLYPORT_K6: file, PATH: '' }), file);
  });

  test('without one is refused with exit code 2 and the way to get it', async () => {
    const how = /go install go\.k6\.io\/k6@v1\.8\.1/;
    assert.throws(() => findK6({ PATH: '/nowhere' }), { code: 'SP_LOAD_NO_K6', exitCode: 2, message: how });
    assert.throws(() => findK6({ SALLYPORT_K6: '/no/k6', PATH: '' }), {
      code: 'SP_LOAD_NO_K6',
      message: /\/no\/k6 is not an executable file/,
    });
  });
});

/** A k6 that calls `url` once it runs, and does not end by itself or by being asked to. */
function stubbornK6(folder: string, url: string): string {
  const file = join(folder, 'k6');
  const program = `#!${process.execPath}
process.on('SIGINT', () => {});
require('node:net').connect(${new URL(url).port}, '127.0.0.1').on('close', () => process.exit(1));
`;
  writeFileSync(file, program, { mode: 0o755 });
  return file;
}

/** Runs the plan of `url` on the k6 of the environment, in a process of its own. */
const RUN = `
const { k6Engine } = await import(process.argv[1]);
const { makePlan } = await import(process.argv[2]);
process.on('SIGHUP', () => process.exit(1));
await k6Engine().run(makePlan('http://127.0.0.1:9/'), { onWarmUp() {}, onProgress() {}, onStep() {} }, AbortSignal.any([]));
`;

describe('k6 and the plan with its credentials', { timeout }, () => {
  for (const signal of ['SIGKILL', 'SIGHUP'] as const) {
    test(`are gone when the process that started it ends by ${signal}`, async (context) => {
      const folder = mkdtempSync(join(tmpdir(), 'k6-gone-'));
      const temporary = join(folder, 'tmp');
      mkdirSync(temporary);
      // The stub ends with its connection, however the test ends.
      const server = createServer((socket) => {
        socket.on('error', () => undefined).resume();
        context.after(() => socket.destroy());
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const modules = ['./k6.ts', '../testing/plans.ts'].map((name) => new URL(name, import.meta.url).href);
      const parent = spawn(process.execPath, ['--input-type=module', '-e', RUN, ...modules], {
        env: { ...process.env, SALLYPORT_K6: stubbornK6(folder, url), TMPDIR: temporary },
        stdio: 'ignore',
      });
      context.after(() => {
        parent.kill('SIGKILL');
        server.close();
        rmSync(folder, { recursive: true });
      });
      const [socket] = (await once(server, 'connection')) as [Socket];
      assert.equal(readdirSync(temporary).length, 1);
      const gone = once(socket, 'close');
      parent.kill(signal);
      await gone;
      while (readdirSync(temporary).length > 0) await delay(10, undefined, { signal: context.signal });
    });
  }
});

describe('k6 itself', () => {
  test('loads both arms and reports as the embedded engine does', { skip, timeout }, async (context) => {
    const { url, stop } = await startFixture();
    const out = mkdtempSync(join(tmpdir(), 'ramp-k6-'));
    context.after(async () => {
      rmSync(out, { recursive: true });
      await stop();
    });
    const { report, files } = await loadRamp({
      target: url,
      direct: url,
      out,
      engine: 'k6',
      rate: 40,
      durationS: 2,
      warmUpS: 0,
      failIf: ['failed>0'],
    });
    assert.equal(files[0], join(out, 'report.json'));
    assert.equal(report.tool.engine, 'k6');
    assert.equal(report.stopped, null);
    const [step] = report.steps;
    // A machine out of breath may let k6 leave out the last arrivals, and its ticker may add one at the very end.
    for (const arm of [step?.arms.tunnel, step?.arms.direct]) {
      assert.ok(arm !== undefined && arm.ok > 0 && arm.ok <= 81 && arm.failed === 0, JSON.stringify(arm));
    }
    assert.deepEqual(step?.hopsMs?.backend, { p50: 0.3, p99: 0.3 });
    assert.ok((step?.arms.tunnel.latencyMs.p50 ?? 0) > 0);
    assert.deepEqual(Object.keys(step?.arms.tunnel.statusCodes ?? {}), ['200']);
    assert.deepEqual(report.thresholds, [{ expression: 'failed>0', failedAt: [], worst: null }]);
    assert.equal(report.totals.arms.tunnel.requests, step?.arms.tunnel.requests);
  });

  test('shares a load with another k6, and load report makes one of both', { skip, timeout }, async (context) => {
    const { url, stop } = await startFixture();
    const parent = mkdtempSync(join(tmpdir(), 'shards-k6-'));
    context.after(async () => {
      rmSync(parent, { recursive: true });
      await stop();
    });
    const common = { target: url, direct: url, engine: 'k6', rate: 60, durationS: 2, warmUpS: 0 } as const;
    const folders = [0, 1].map((index) => join(parent, `${index}`));
    const shares = await Promise.all(
      folders.map(async (out, index) => (await loadRamp({ ...common, out, shard: { index, count: 2 } })).report),
    );
    assert.deepEqual(
      shares.map(({ steps }) => steps[0]?.rate),
      [30, 30],
    );
    const { report } = await loadReport({ files: folders, out: join(parent, 'all') });
    const [step] = report.steps;
    assert.ok(step !== undefined && step.rate === 60);
    for (const name of ['tunnel', 'direct'] as const) {
      const parts = shares.map(({ steps }) => steps[0]?.arms[name]);
      const sum = parts.reduce((total, part) => total + (part?.requests ?? 0), 0);
      const all = (percentile: number): number[] =>
        parts.map((part) => part?.curve?.find(([each]) => each === percentile)?.[1] ?? NaN);
      const [least, most] = [Math.min(...all(40)), Math.max(...all(60))];
      const whole: ArmReport | undefined = step.arms[name];
      // Each may be one over at the end, and a machine out of breath leaves some out.
      assert.ok(whole !== undefined && whole.requests === sum && sum > 0 && sum <= 122, `${whole?.requests} of ${sum}`);
      const p50: number = whole.latencyMs.p50;
      // Between those of the two, but for some requests more or less: the median of few may lie in a wide gap.
      assert.ok(p50 >= 0.99 * least && p50 <= 1.01 * most, `${least} ${p50} ${most}`);
    }
    assert.match(report.evidence.notes[0] ?? '', /merged from 2 generators .* response times from their percentiles/);
  });

  test('sends requests in turn, each with its own path, body and credential', { skip, timeout }, async (context) => {
    const seen = new Set<string>();
    const { url, stop } = await startFixture(
      withBody((request, response, body) => {
        seen.add(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
        response.writeHead(503).end();
      }),
    );
    context.after(stop);
    const arms = [
      makeArm(
        'tunnel',
        url,
        { method: 'PUT', path: '/a', body: Buffer.from('payload'), headers: headers('Bearer a.1') },
        { method: 'POST', path: '/b?c=d', body: { fillBytes: 5 }, headers: headers('Bearer b.2') },
        { path: '/c', headers: headers('Bearer c.3') },
      ),
    ];
    const journal = new Journal();
    const plan = makePlan(url, { arms, timeoutMs, steps: [{ rate: 20, durationS: 1 }] });
    const { error } = await k6Engine().run(plan, journal, context.signal);
    assert.equal(error, null);
    assert.deepEqual([...seen].sort(), [
      'GET /c Bearer c.3 ',
      'POST /b?c=d Bearer b.2 xxxxx',
      'PUT /a Bearer a.1 payload',
    ]);
    const tunnel = journal.steps[0]?.arms.tunnel;
    assert.ok(tunnel !== undefined && tunnel.failed > 0 && tunnel.ok === 0);
    assert.deepEqual(tunnel.statusCodes, { 503: tunnel.failed });
  });

  test('echoes messages over WebSocket', { skip, timeout }, async (context) => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    context.after(() => {
      for (const client of server.clients) client.terminate();
      server.close();
    });
    server.on('connection', (socket) =>
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
    );
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const arms = [{ ...makeArm('tunnel', url), protocol: 'websocket' as const }];
    const journal = new Journal();
    await k6Engine().run(
      makePlan(url, { arms, timeoutMs, steps: [{ rate: 40, durationS: 1 }] }),
      journal,
      context.signal,
    );
    const tunnel = journal.steps[0]?.arms.tunnel;
    assert.deepEqual([tunnel?.requests, tunnel?.ok, tunnel?.statusCodes], [40, 40, { 101: 40 }]);
  });

  test('counts the messages of a broken WebSocket as failed', { skip, timeout }, async (context) => {
    const { url, stop } = await startFixture();
    context.after(stop);
    const arms = [{ ...makeArm('tunnel', url), protocol: 'websocket' as const }];
    const journal = new Journal();
    await k6Engine().run(
      makePlan(url, { arms, timeoutMs, steps: [{ rate: 20, durationS: 1 }] }),
      journal,
      context.signal,
    );
    assert.deepEqual([journal.steps[0]?.arms.tunnel?.failed, journal.steps[0]?.arms.tunnel?.ok], [20, 0]);
  });

  test('stops when asked to, with what it has', { skip, timeout }, async (context) => {
    const controller = new AbortController();
    const used = new WeakSet<Socket>();
    let answered = 0;
    let taken = 0;
    const { url, stop } = await startFixture((request, response) => {
      answered += 1;
      // Who asks again on a connection has taken what came on it before.
      if (!controller.signal.aborted && used.has(request.socket)) taken += 1;
      used.add(request.socket);
      if (answered >= 20 && taken > 0) controller.abort();
      answerWell(request, response);
    });
    context.after(stop);
    const journal = new Journal();
    const plan = makePlan(url, { steps: [{ rate: 20, durationS: 600 }] });
    const { error } = await k6Engine().run(plan, journal, AbortSignal.any([controller.signal, context.signal]));
    assert.equal(error, null);
    assert.equal(journal.steps[0]?.complete, false);
    const ok = journal.steps[0]?.arms.tunnel?.ok ?? 0;
    assert.ok(ok >= taken, `${ok} of ${taken}`);
  });
});
