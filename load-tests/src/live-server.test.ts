import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { answerWell, startFixture } from '../testing/fixture.ts';
import { makePlan } from '../testing/plans.ts';
import { LiveServer } from './live-server.ts';
import { loadRamp } from './load-ramp.ts';
import { parsePrometheusText, sumOf } from './prometheus-text.ts';

const never = new AbortController().signal;
const plan = makePlan('http://127.0.0.1:9/');

async function openLive(context: TestContext): Promise<LiveServer> {
  const live = await LiveServer.open({ host: '127.0.0.1', port: 0 });
  context.after(() => live.close(AbortSignal.abort()));
  return live;
}

const scrape = async ({ url }: LiveServer) => {
  const response = await fetch(url);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  return parsePrometheusText(await response.text());
};

describe('the port of a load test’s figures', { timeout: 60_000 }, () => {
  test('serves what the report says at the end', async (context) => {
    const live = await openLive(context);
    const fixture = await startFixture(answerWell);
    const out = mkdtempSync(join(tmpdir(), 'live-'));
    context.after(async () => {
      rmSync(out, { recursive: true });
      await fixture.stop();
    });
    const { metrics } = live;
    const { url: target } = fixture;
    const { report } = await loadRamp({
      target,
      direct: target,
      out,
      rate: 50,
      durationS: 1,
      warmUpS: 0.2,
      live: metrics,
    });
    const samples = await scrape(live);
    for (const arm of ['tunnel', 'direct'] as const) {
      const { ok, latencyMs, lagMs } = report.steps[0]!.arms[arm]!;
      const at = (name: string, labels: Record<string, string>) => sumOf(samples, name, { arm, ...labels });
      assert.equal(at('sallyport_load_requests_total', { outcome: 'ok' }), ok);
      assert.equal(at('sallyport_load_rate', { kind: 'asked' }), 50);
      assert.equal(at('sallyport_load_latency_seconds', { quantile: '0.99' }), latencyMs.p99 / 1000);
      assert.equal(at('sallyport_load_lag_seconds', { quantile: '0.95' }), lagMs.p95 / 1000);
    }
  });

  test('answers nothing else', async (context) => {
    const { url } = await openLive(context);
    assert.equal((await fetch(new URL('/', url))).status, 404);
    assert.equal((await fetch(url, { method: 'POST' })).status, 404);
  });

  test('takes no HEAD for a scrape', async (context) => {
    const live = await openLive(context);
    assert.equal((await fetch(live.url, { method: 'HEAD' })).status, 200);
    live.metrics.due(plan, 0);
    assert.equal(live.isAwaited, false);
  });

  test('has room for a scraper again soon, however many connect and say nothing', async (context) => {
    const live = await openLive(context);
    const { port, hostname } = new URL(live.url);
    const idle = Array.from({ length: 40 }, (_, i) => {
      const socket = connect(Number(port), hostname).on('error', () => {});
      if (i % 2 === 0) socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n');
      return socket.resume();
    });
    context.after(() => idle.forEach((socket) => socket.destroy()));
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    await scrape(live);
  });

  test('says which port is in use', async (context) => {
    const live = await openLive(context);
    const { port } = new URL(live.url);
    await assert.rejects(LiveServer.open({ host: '127.0.0.1', port: Number(port) }), { code: 'EADDRINUSE' });
  });

  test('waits at its end for the scrape that fetches the last figures', async (context) => {
    const live = await openLive(context);
    await scrape(live);
    live.metrics.capacity(1200, 1250);
    assert.ok(live.isAwaited);
    let isOver = false;
    const closed = live.close(never).then(() => (isOver = true));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isOver, false);
    const samples = await scrape(live);
    assert.equal(sumOf(samples, 'sallyport_load_capacity_rate', { end: 'carried' }), 1200);
    await closed;
  });

  // Less than a single wait takes.
  test(
    'waits for nobody where nobody has scraped, where all is told, or when interrupted',
    { timeout: 18_000 },
    async (context) => {
      const unseen = await openLive(context);
      unseen.metrics.due(plan, 0);
      await unseen.close(never);
      const told = await openLive(context);
      told.metrics.due(plan, 0);
      await scrape(told);
      await told.close(never);
      const interrupted = await openLive(context);
      await scrape(interrupted);
      interrupted.metrics.due(plan, 0);
      await interrupted.close(AbortSignal.abort());
    },
  );
});
