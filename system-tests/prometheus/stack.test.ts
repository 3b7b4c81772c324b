/** The rules of deploy/prometheus on a real stack, scraped by a real Prometheus: healthy, and with a dead backend. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Command, ROOT } from '../harness/command.ts';
import { eventually } from '../harness/deadline.ts';
import { Load } from '../harness/load.ts';
import { scrape } from '../harness/metrics.ts';
import { needs } from '../harness/needs.ts';
import { jobsOf, Prometheus } from '../harness/prometheus.ts';
import type { Alert } from '../harness/prometheus.ts';
import { startStack } from '../harness/stack.ts';
import type { Stack } from '../harness/stack.ts';
import { visit } from '../harness/visit.ts';
import { dial } from '../harness/wire.ts';
import { alertRules, recordingRules } from './rules-files.ts';

const WORKERS = 3;
const SLOTS = 10;
const QUEUE = 3;
const CONNECTIONS = 500;
/** As long as it takes to look; who waits so long is cut off before. */
const DELAY_MS = 60_000;
const HANG_MS = 60_000;
/** Two scrapes, then an evaluation or two, a second each, on a busy machine. */
const LIMIT_MS = 60_000;

/** In expressions, and in queries of annotations. */
const SELECTOR = /\b(?:sallyport_\w+|process_\w+|sallyport:[\w:]+|up\b)(?:\{[^{}]*\})?/g;

/** A machine that others use as well may be late; whether it is, is no question of this test. */
const ABOUT_TIME: ReadonlySet<string | undefined> = new Set([
  'SallyportLatencyP99High',
  'SallyportLatencyMeanHigh',
  'SallyportLatencyBudgetBurn',
  'SallyportEventLoopLate',
]);

/** Only where certificates, ACME or traces are configured, or, for reloads, where a part runs by itself. */
const WHERE_CONFIGURED: ReadonlySet<string> = new Set([
  'sallyport_acme_failures_total',
  'sallyport_certificate_expiry_timestamp_seconds',
  'sallyport_certificate_lifetime_seconds',
  'sallyport_config_last_reload_successful',
  'sallyport_tls_last_reload_successful',
  'sallyport_trace_spans_dropped_total',
]);

describe('the rules on a real stack', needs('prometheus'), () => {
  let backend: Command;
  let stack: Stack;
  let prometheus: Prometheus;
  before(async () => {
    backend = new Command(['backend', '--port', '0', '--json']);
    const { url } = await backend.event<{ url: string }>('ready');
    stack = await startStack({
      backend: url,
      concurrency: SLOTS,
      set: [
        `server.queue.limit=${QUEUE}`,
        `server.queue.timeoutMs=${2 * DELAY_MS}`,
        `entry.connections=${CONNECTIONS}`,
      ],
    });
    prometheus = await Prometheus.start(jobsOf(stack.admin));
  });
  after(async () => {
    await Promise.all([prometheus?.stop(), stack?.command.stop(), backend?.stop()]);
  });

  it('give data under load, and no alert is about to fire', async () => {
    await using _load = new Load(stack.url, WORKERS, HANG_MS);
    const empty = async () => {
      const points = await Promise.all(recordingRules().map(({ record }) => prometheus.query(`count(${record})`)));
      return recordingRules().filter((_rule, i) => points[i]!.length === 0);
    };
    let without: readonly { readonly record: string }[] = [];
    await eventually(
      async () => ((without = await empty()).length === 0 ? true : undefined),
      () => `data of ${without.map(({ record }) => record).join(', ')}`,
      LIMIT_MS,
    );
    let alerts: readonly Alert[] = [];
    // Before its first scrape a part is not there; one evaluation later it is.
    await eventually(
      async () => ((alerts = await disturbing(prometheus)).length === 0 ? true : undefined),
      () => `no alert but ${JSON.stringify(alerts, null, 2)}`,
      LIMIT_MS,
    );
    assert.deepEqual(await prometheus.brokenRules(), []);
    // Of requests that came between two scrapes.
    const rate = async () => (await prometheus.query('sallyport:requests:rate5m{part="entry"} > 0'))[0];
    await eventually(rate, 'a rate of requests', LIMIT_MS);
  });

  it('name series that the parts have, with the labels that they have', async () => {
    const rules = [...alertRules(), ...recordingRules()].map((rule) => JSON.stringify(rule).replaceAll('\\"', '"'));
    const selectors = [...new Set(rules.flatMap((rule) => rule.match(SELECTOR) ?? []))];
    const missing: string[] = [];
    for (const selector of selectors) {
      // A part that was too slow for a scrape has none now.
      if ((await prometheus.query(`count(last_over_time(${selector}[5m]))`)).length === 0) missing.push(selector);
    }
    const names = missing.map((selector) => selector.split('{')[0]!);
    assert.deepEqual(
      names.filter((name) => !WHERE_CONFIGURED.has(name)),
      [],
    );
    const sources = await productionSources();
    assert.deepEqual(
      names.filter((name) => !sources.includes(`'${name}'`)),
      [],
    );
  });

  it('know each limit, how much of it the fullest uses, and when it is reached', async () => {
    const { pathname } = new URL(`${stack.url}loadtest/delay/${DELAY_MS}`);
    const busy = await Promise.all(Array.from({ length: SLOTS }, () => dial(stack.entry)));
    for (const wire of busy) wire.send(`GET ${pathname} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const slots = async () => (await usedOf(stack.admin.server, 'server', 'slots')) === `${SLOTS} of ${SLOTS}`;
    await eventually(async () => ((await slots()) ? true : undefined), 'all slots in use');
    const waiting = Array.from({ length: QUEUE }, () => visit(`${stack.url}loadtest/get`, { limitMs: HANG_MS }));
    const full = async () => {
      const { server, entry } = stack.admin;
      const seen = [
        await usedOf(server, 'server', 'slots'),
        await usedOf(server, 'server', 'queue'),
        await usedOf(entry, 'entry', 'connections'),
      ];
      const expected = [`${SLOTS} of ${SLOTS}`, `${QUEUE} of ${QUEUE}`, `${SLOTS + QUEUE} of ${CONNECTIONS}`];
      return isDeepStrictEqual(seen, expected) ? true : undefined;
    };
    await eventually(full, 'slots, queue and connections in use');
    assert.equal((await visit(`${stack.url}loadtest/get`)).status, 503);
    for (const wire of busy) wire.close();
    for (const { status } of await Promise.all(waiting)) assert.equal(status, 200);
    const fires = 'ALERTS{alertname="SallyportLimitHit", limit="queue", alertstate="firing"}';
    const isFiring = async () => (await prometheus.query(fires))[0];
    await eventually(isFiring, 'SallyportLimitHit to fire', LIMIT_MS);
  });

  it('see a backend that was killed: both alerts of the backend, with what visitors get', async () => {
    backend.signal('SIGKILL');
    await backend.ended;
    let alerts: readonly Alert[] = [];
    const one = (name: string) => alerts.find(({ labels }) => labels['alertname'] === name);
    let status = 0;
    const seen = async () => {
      ({ status } = await visit(`${stack.url}loadtest/get`));
      alerts = await prometheus.alerts();
      // Prometheus sees a rate of the reason from its second scrape on, and the alert may be there before.
      const description = one('SallyportBackendFailing')?.annotations['description'] ?? '';
      const isNamed = /Most often in the last 5 minutes: SP_BACKEND_REFUSED at the client 127\.0\.0\.1:\d+\.$/.test(
        description,
      );
      return one('SallyportBackendDown') !== undefined && isNamed ? true : undefined;
    };
    await eventually(seen, () => `both alerts and the reason; there are ${JSON.stringify(alerts)}`, LIMIT_MS);
    assert.equal(status, 502);
    assert.equal(one('SallyportBackendFailing')!.labels['hop'], 'backend');
  });
});

/** `3 of 10` */
async function usedOf(admin: string, part: string, limit: string): Promise<string> {
  const metrics = await scrape(admin);
  const [used, most] = ['sallyport_limit_used', 'sallyport_limit'].map((name) =>
    metrics.get(`${name}{part="${part}",limit="${limit}"}`),
  );
  return `${used} of ${most}`;
}

async function disturbing(prometheus: Prometheus): Promise<Alert[]> {
  return (await prometheus.alerts()).filter(
    ({ labels }) => !ABOUT_TIME.has(labels['alertname']) && labels['limit'] !== 'event-loop',
  );
}

/** Of packages and apps, as one text. */
async function productionSources(): Promise<string> {
  const files = await Promise.all(
    ['packages', 'apps'].map((folder) => readdir(join(ROOT, folder), { recursive: true })),
  );
  return files
    .flatMap((names, i) => names.map((name) => join(ROOT, ['packages', 'apps'][i]!, name)))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
}
