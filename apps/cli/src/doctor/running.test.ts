import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { parsePrometheusText } from '@sallyport/load-tests';
import { MemoryCredentials } from '@sallyport/credentials';
import { startEntry } from '@sallyport/proxy-entry';
import { createLogger } from '@sallyport/telemetry';
import { startServer } from '@sallyport/tunnel-server';
import { contextOf, freePort, httpServer, verdicts } from '../testing/doctor.ts';
import { VERSION } from '../version.ts';
import type { Finding } from './finding.ts';
import { judgeRunning } from './judge-running.ts';
import { checkRunning } from './running.ts';
import type { RunningPart } from './running.ts';

const QUIET = { level: 'silent', part: 'test', destination: 2 } as const;
const DAY_S = 86_400;
const NOW_S = 1_800_000_000;
const HOUR_MS = 3_600_000;

interface Told extends Partial<Omit<RunningPart, 'before' | 'after'>> {
  readonly before?: string;
  readonly after?: string;
}

/** What is found of a part that says this; without what is in order. */
function judged({ before = '', after = '', ...told }: Told): Finding[] {
  const part: RunningPart = {
    where: 'entry at http://127.0.0.1:12003',
    readiness: { checks: { accepting: { ok: true } } },
    before: parsePrometheusText(before),
    after: parsePrometheusText(after),
    apartS: 1,
    sessions: [],
    links: [],
    servers: [],
    ...told,
  };
  return judgeRunning(part, NOW_S * 1_000).filter(({ status }) => status !== 'ok');
}

// Lines of metrics.
const line = (code: string, value: number) => `sallyport_refused_total{part="entry",code="${code}"} ${value}\n`;
const answers = (status: number, value: number) => `sallyport_requests_total{part="entry",code="${status}"} ${value}\n`;
const hits = (limit: string, value: number) => `sallyport_limit_hits_total{part="server",limit="${limit}"} ${value}\n`;
const busy = (seconds: number) => `sallyport_event_loop_active_seconds_total{part="entry"} ${seconds}\n`;
const expiry = (name: string, days: number) =>
  `sallyport_certificate_expiry_timestamp_seconds{part="entry",name="${name}"} ${NOW_S + days * DAY_S}\n`;

function pagesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ status, page }) => `${status} ${page?.replace('docs/runbooks/', '')}`);
}

describe('judgeRunning', () => {
  it('finds nothing in a part that is at rest', () => {
    const part = { where: 'x', readiness: { checks: {} }, before: [], after: [], apartS: 1 };
    const found = judgeRunning({ ...part, sessions: [], links: [], servers: [] }, 0);
    assert.deepEqual(verdicts(found), ['ok ready']);
  });

  it('says of one that is ready how much of it is used', () => {
    const session = { session: 'demo', links: 1, free: 6, busy: 4, waiting: 0 };
    const after = `process_open_fds 24\nprocess_max_fds 1000\n${expiry('a', 90)}${expiry('b', 40)}`;
    const part = {
      where: 'server',
      readiness: { checks: {} },
      before: [],
      after: parsePrometheusText(after),
      apartS: 1,
    };
    const [ready] = judgeRunning({ ...part, sessions: [session, session], links: [], servers: [] }, NOW_S * 1_000);
    assert.equal(
      ready?.message,
      'server: ready, 8 of 20 slots busy, 0 wait, 24 of 1000 open files, certificates for 40 days',
    );
  });

  it('names each check of its readiness that is not ok, with the page for it', () => {
    const checks = {
      accepting: { ok: false, detail: 'draining' },
      server: { ok: false, detail: 'no tunnel-server connected' },
      'link:demo': { ok: false, detail: 'no link to any server' },
      'backend:demo': { ok: false, detail: 'cannot connect to the backend' },
    };
    const found = judged({ readiness: { checks } });
    assert.deepEqual(pagesOf(found), [
      'fail sp-draining.md',
      'fail sallyport-no-uplink.md',
      'fail sallyport-client-disconnected.md',
      'fail sallyport-backend-down.md',
    ]);
    assert.match(found[3]!.message, /backend:demo: cannot connect to the backend$/);
  });

  it('tells what goes on from what is over, and leaves out what visitors did wrong', () => {
    const before = line('SP_QUEUE_FULL', 3) + line('SP_BACKEND_REFUSED', 7) + line('SP_BAD_REQUEST', 5);
    const after = line('SP_QUEUE_FULL', 5) + line('SP_BACKEND_REFUSED', 7) + line('SP_BAD_REQUEST', 5);
    const found = judged({ before, after });
    assert.deepEqual(pagesOf(found), ['fail sp-queue-full.md', 'warn sp-backend-refused.md']);
    assert.match(found[0]!.message, /SP_QUEUE_FULL, Too many .*: 5 times since its start, 2 in the last second$/);
    assert.match(found[1]!.message, /7 times since its start, none in the last second$/);
    assert.deepEqual(judged({ after: line('SP_NO_ROUTE', 6) + line('SP_NOT_IMPLEMENTED', 1) }), []);
    assert.deepEqual(pagesOf(judged({ after: line('SP_LINK_UNAUTHORIZED', 6) })), ['fail sp-link-unauthorized.md']);
    // In the protocol's words: what the server refused to an entry, whose visitor was told.
    assert.deepEqual(judged({ after: line('queue-full', 9) }), []);
  });

  it('names a backend that answers 5xx itself, now or before, and leaves out what has a code', () => {
    const before = answers(200, 900) + answers(500, 100);
    const isNow = judged({ before, after: answers(200, 900) + answers(500, 140) });
    assert.deepEqual(pagesOf(isNow), ['fail sallyport-success-low.md']);
    assert.match(isNow[0]!.message, /140 of 1040 answers since its start, and 40 of 40 in the last second, are 5xx/);
    assert.deepEqual(pagesOf(judged({ before, after: before })), ['warn sallyport-success-low.md']);
    const few = answers(200, 9_950) + answers(502, 50);
    assert.deepEqual(judged({ before: few, after: few }), []);
    const ours = answers(200, 1) + answers(503, 9) + line('SP_NO_CLIENT', 9);
    const found = judged({ before: ours, after: ours });
    assert.deepEqual(pagesOf(found), ['warn sp-no-client.md']);
    assert.match(found[0]!.fix!, /access log names the session \(grep SP_NO_CLIENT\)/);
  });

  it('says which setting a limit that was reached has', () => {
    const found = judged({ before: hits('links', 2), after: hits('links', 4) + hits('head-timeout', 1) });
    assert.deepEqual(pagesOf(found), ['fail sallyport-limit-hit.md', 'warn sp-head-timeout.md']);
    assert.match(found[0]!.fix!, /maxLinks/);
    assert.deepEqual(judged({ before: hits('head-timeout', 1), after: hits('head-timeout', 1) }), []);
    assert.deepEqual(pagesOf(judged({ after: hits('of-tomorrow', 1) })), ['fail sallyport-limit-hit.md']);
  });

  it('sees sessions without a client, with all slots busy, and nearly so', () => {
    const session = { session: 'demo', links: 1, free: 10, busy: 0, waiting: 0 };
    const found = (line: object) => pagesOf(judged({ sessions: [{ ...session, ...line }] }));
    assert.deepEqual(found({}), []);
    assert.deepEqual(found({ links: 0, free: 0 }), ['warn sp-no-client.md']);
    assert.deepEqual(found({ free: 0, busy: 10, waiting: 7 }), ['fail sp-queue-full.md']);
    assert.deepEqual(found({ free: 2, busy: 8 }), ['warn sallyport-slots-nearly-full.md']);
    assert.deepEqual(found({ free: 3, busy: 7 }), []);
  });

  it('sees links that are late, clients that are passed over, and servers that are not there', () => {
    const link = { kind: 'client', principal: 'laptop', remote: '127.0.0.1:5', session: 'demo' };
    const links = [
      { ...link, isLate: true, isEjected: false },
      { ...link, isLate: false, isEjected: true },
      { kind: 'uplink', principal: 'edge', remote: '127.0.0.1:6' },
    ];
    const servers = [
      { server: 'ws://a', isUp: true },
      { server: 'ws://b', isUp: false },
    ];
    assert.deepEqual(pagesOf(judged({ links, servers })), [
      'fail sallyport-canary-late.md',
      'fail sp-backend-refused.md',
      'fail sallyport-no-uplink.md',
    ]);
  });

  it('counts the days of certificates in force, and tells of files that were not taken over', () => {
    const found = judged({
      after:
        expiry('a', 31) +
        expiry('b', 29) +
        expiry('c', -1) +
        'sallyport_tls_last_reload_successful{part="entry"} 0\n' +
        'sallyport_config_last_reload_successful{part="entry"} 0\n' +
        `sallyport_acme_last_failure_timestamp_seconds{part="entry"} ${NOW_S - 7_200}\n`,
    });
    assert.deepEqual(pagesOf(found), [
      'warn sallyport-certificate-expiring.md',
      'fail sallyport-certificate-expired.md',
      'warn sallyport-acme-failing.md',
      'warn sallyport-certificate-reload-failed.md',
      'fail sallyport-config-reload-failed.md',
    ]);
    assert.match(found[0]!.message, /certificate b, in force, expires in 29 days/);
    assert.match(found[4]!.fix!, /"configuration not reloaded".*POST \/api\/reload/);
    const old = `sallyport_acme_last_failure_timestamp_seconds{part="entry"} ${NOW_S - 2 * DAY_S}\n`;
    assert.deepEqual(judged({ after: `${old}sallyport_config_last_reload_successful{part="entry"} 1\n` }), []);
    const mended =
      'sallyport_tls_reload_failures_total{part="entry"} 2\nsallyport_tls_last_reload_successful{part="entry"} 1\n';
    assert.deepEqual(judged({ after: mended }), []);
  });

  it('sees open files that run out, an event loop without pause, lines and spans that were lost, another version', () => {
    const found = judged({
      before: busy(10),
      after:
        busy(10.95) +
        'process_open_fds 81\nprocess_max_fds 100\n' +
        'sallyport_log_lines_lost_total{part="entry",where="buffer"} 4\n' +
        'sallyport_trace_spans_dropped_total{part="entry",where="queue"} 3\n' +
        'sallyport_build_info{part="entry",version="0.0.9",node="26"} 1\n',
    });
    assert.deepEqual(pagesOf(found), [
      'warn sp-version.md',
      'warn sallyport-descriptors-exhaustion-predicted.md',
      'warn sallyport-event-loop-late.md',
      'warn sallyport-log-lines-lost.md',
      'warn sallyport-trace-spans-dropped.md',
    ]);
    assert.match(found[2]!.message, /95 %/);
    const fine = `process_open_fds 79\nprocess_max_fds 100\nsallyport_build_info{version="${VERSION}"} 1\n${busy(5)}`;
    assert.deepEqual(judged({ before: busy(4.5), after: fine }), []);
  });
});

async function runningEntry(t: TestContext): Promise<string> {
  const set = { 'entry.port': 0, 'entry.admin.port': 0, 'log.accessLog': false };
  const { config } = contextOf({ set }).settings!;
  const entry = await startEntry({ config, logger: createLogger(QUIET), version: VERSION });
  t.after(() => entry.stop());
  return entry.adminUrl;
}

async function runningServer(t: TestContext, adminCredentials?: MemoryCredentials): Promise<string> {
  const { config } = contextOf({ set: { 'server.port': 0, 'server.admin.port': 0 } }).settings!;
  // An address of loopback that is taken for any other where a credential is asked for.
  const open = adminCredentials === undefined ? {} : { adminCredentials };
  const host = adminCredentials === undefined ? '127.0.0.1' : '0.0.0.0';
  const server = { ...config.server, admin: { ...config.server.admin, host } };
  const deps = { credentials: new MemoryCredentials(), logger: createLogger(QUIET), version: VERSION };
  const running = await startServer({ config: { ...config, server }, ...deps, ...open });
  t.after(() => running.stop());
  return running.adminUrl.replace('0.0.0.0', '127.0.0.1');
}

describe('checkRunning', { timeout: 60_000 }, () => {
  it('asks the parts of the configuration, and says nothing of those that do not run', async (t) => {
    const port = Number(new URL(await runningServer(t)).port);
    const found = await checkRunning(contextOf({ set: { 'server.admin.port': port } }));
    assert.deepEqual(verdicts(found), ['ok ready']);
    assert.match(found[0]!.message, /^server at http:\/\/127\.0\.0\.1:\d+: ready, \d+ of \d+ open files$/);
    assert.deepEqual(await checkRunning(contextOf({ set: { 'client.admin.port': await freePort() } })), []);
  });

  it('asks those that it is told instead, and misses what is not there', async (t) => {
    const other = await httpServer(t, (_, response) => void response.end('hello'));
    const admin = [await runningEntry(t), `http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${other}`];
    const found = await checkRunning(contextOf({ admin }));
    assert.deepEqual(verdicts(found), ['fail ready', 'fail ready', 'fail ready']);
    assert.match(found[0]!.message, /entry at .*server: no tunnel-server connected/);
    assert.match(found[1]!.message, /nothing listens there/);
    assert.match(found[2]!.message, /answers as no admin port of ours does/);
    assert.equal(found[0]!.page, 'docs/runbooks/sallyport-no-uplink.md');
  });

  it('shows its credential where one is asked for', async (t) => {
    const store = new MemoryCredentials();
    const issued = store.add({ principal: 'ops', role: 'admin', sessions: [] });
    assert.ok(issued.ok);
    const admin = [await runningServer(t, store)];
    const refused = await checkRunning(contextOf({ admin }));
    assert.deepEqual(pagesOf(refused), ['fail sp-admin-unauthorized.md']);
    const { id, secret } = issued.value;
    const found = await checkRunning(contextOf({ admin, authorization: `Bearer ${id}.${secret}` }));
    assert.deepEqual(verdicts(found), ['ok ready']);
    assert.ok(!JSON.stringify(refused).includes(secret));
  });

  it('shows it to nobody who does not answer as an admin port of ours does', async (t) => {
    const seen: (string | undefined)[] = [];
    for (const body of ['hello', '[]', '{"checks":[]}', '{"checks":{"a":null}}', '{"checks":{"a":{"ok":1}}}']) {
      const port = await httpServer(t, ({ headers }, response) => {
        seen.push(headers.authorization);
        response.end(body);
      });
      const admin = [`http://127.0.0.1:${port}`];
      const found = await checkRunning(contextOf({ admin, authorization: 'Bearer a.b' }));
      assert.deepEqual(verdicts(found), ['fail ready'], body);
      assert.match(found[0]!.message, /answers as no admin port of ours does/);
    }
    assert.deepEqual(new Set(seen), new Set([undefined]));
  });

  it('says so where it goes over the network in clear text', async (t) => {
    const store = new MemoryCredentials();
    const issued = store.add({ principal: 'ops', role: 'admin', sessions: [] });
    assert.ok(issued.ok);
    // Not an address of loopback, though it leads there.
    const admin = [(await runningServer(t, store)).replace('127.0.0.1', '0.0.0.0')];
    const authorization = `Bearer ${issued.value.id}.${issued.value.secret}`;
    const found = await checkRunning(contextOf({ admin, authorization }));
    assert.deepEqual(verdicts(found), ['ok ready', 'warn ready']);
    assert.match(found[1]!.message, /credential went there in clear text$/);
  });

  it('finds lists that cannot be read, and does not break over them', async (t) => {
    for (const list of ['[null]', '[{}]', '{}', '[{"session":{"toString":1},"links":1}]', 'x']) {
      const port = await httpServer(t, ({ url }, response) => {
        const answers: Record<string, string> = {
          '/readyz': '{"checks":{"accepting":{"ok":true}}}',
          '/metrics': 'sallyport_build_info{part="server"} 1\n',
        };
        response.end(answers[url!] ?? list);
      });
      const found = await checkRunning(contextOf({ admin: [`http://127.0.0.1:${port}`] }));
      assert.deepEqual(verdicts(found), ['fail ready'], list);
      assert.match(found[0]!.message, /lists that cannot be read/);
    }
  });

  it('warns of a part whose clock is an hour off', async (t) => {
    const found = await checkRunning(contextOf({ admin: [await runningServer(t)], nowMs: () => Date.now() - HOUR_MS }));
    assert.deepEqual(verdicts(found), ['ok ready', 'warn clock']);
  });
});
