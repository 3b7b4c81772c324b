import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { parsePrometheusText } from '@sallyport/load-tests';
import { MemoryCredentials } from '@sallyport/credentials';
import { startEntry } from '@sallyport/proxy-entry';
import { createLogger } from '@sallyport/telemetry';
import { startServer } from '@sallyport/tunnel-server';
import { freePort } from '../../../../packages/protocol/src/testing/free-port.ts';
import { contextOf, httpServer, SILENT_PART, verdicts } from '../testing/doctor.ts';
import type { Given } from '../testing/doctor.ts';
import { VERSION } from '../version.ts';
import type { OfferLine } from './admin-answers.ts';
import type { Finding } from './finding.ts';
import { foldConsequences } from './consequences.ts';
import { deploymentOf } from './deployment.ts';
import { checkDescriptors } from './descriptors.ts';
import { judgeRunning } from './judge-running.ts';
import { judgeUnknown } from './judge-traffic.ts';
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

function partOf({ before = '', after = '', ...told }: Told): RunningPart {
  return { ...SILENT_PART, before: parsePrometheusText(before), after: parsePrometheusText(after), ...told };
}

/** All that is found of a part, as far as it alone tells; and of one beside others, in a deployment with these sessions. */
function judgedAmong(part: RunningPart, others: readonly RunningPart[] = [], configured: readonly string[] = []) {
  return judgeRunning(part, deploymentOf([part, ...others], configured), NOW_S * 1_000);
}

/** What is found of a part that says this; without what is in order. */
function judged(told: Told): Finding[] {
  return judgedAmong(partOf(told)).filter(({ status }) => status !== 'ok');
}

// Lines of metrics.
const line = (code: string, value: number) => `sallyport_refused_total{part="entry",code="${code}"} ${value}\n`;
const answers = (status: number, value: number) => `sallyport_requests_total{part="entry",code="${status}"} ${value}\n`;
const hits = (limit: string, value: number) => `sallyport_limit_hits_total{part="server",limit="${limit}"} ${value}\n`;
const busy = (seconds: number) => `sallyport_event_loop_active_seconds_total{part="entry"} ${seconds}\n`;
const expiry = (name: string, days: number) =>
  `sallyport_certificate_expiry_timestamp_seconds{part="entry",name="${name}"} ${NOW_S + days * DAY_S}\n`;
const lifetime = (name: string, days: number) =>
  `sallyport_certificate_lifetime_seconds{part="entry",name="${name}"} ${days * DAY_S}\n`;

/** Of a histogram. */
const spent = (name: string, labels: string, count: number, seconds: number) =>
  `${name}_sum{${labels}} ${seconds}\n${name}_count{${labels}} ${count}\n`;

/** Of a client, and of an entry: how long backends took. */
const client = (count: number, seconds: number) => spent('sallyport_backend_seconds', 'part="client"', count, seconds);
const entryHops = (count: number, seconds: number) =>
  spent('sallyport_hop_seconds', 'hop="backend"', count, seconds) +
  spent('sallyport_hop_seconds', 'hop="slot"', count, 99);

/** What a client says of a session. */
function offer(session: string, answered: number, serverErrors: number, backendSeconds: number): OfferLine {
  return { session, backend: `http://${session}.test`, answers: answered, serverErrors, backendSeconds };
}

/** What is said of the sessions of `part`. */
function sessionLines(part: RunningPart, others: readonly RunningPart[] = [], configured: readonly string[] = []) {
  return judgedAmong(part, others, configured)
    .filter(({ check }) => check === 'session')
    .map(({ status, message }) => `${status} ${message}`);
}

function pagesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ status, page }) => `${status} ${page?.replace('docs/runbooks/', '')}`);
}

describe('judgeRunning', () => {
  it('finds nothing in a part that is at rest', () => {
    assert.deepEqual(verdicts(judgedAmong(partOf({}))), ['ok ready']);
  });

  it('says of one that is ready how much of it is used', () => {
    const session = { session: 'demo', links: 1, free: 6, busy: 4, waiting: 0 };
    const after = `process_open_fds 24\nprocess_max_fds 1000\n${expiry('a', 90)}${expiry('b', 40)}`;
    const said = (metrics: string) =>
      judgedAmong(partOf({ where: 'server', after: metrics, sessions: [session, session] }))[0]?.message;
    const figures = 'server: ready, 8 of 20 slots busy, 0 wait, 24 of 1000 open files';
    assert.equal(said(after), `${figures}, certificates for 40.0 days`);
    assert.equal(said(after + expiry('c', -2)), figures);
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
    assert.deepEqual(pagesOf(found), ['fail sp-queue-full.md', 'info undefined']);
    assert.match(found[0]!.message, /SP_QUEUE_FULL, Too many .*: 5 times since its start, 2 in the last second$/);
    assert.equal(found[1]!.message, 'entry at http://127.0.0.1:12003: 7 × SP_BACKEND_REFUSED');
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
    const over = judged({ before, after: before });
    assert.deepEqual(
      over.map(({ status, message }) => [status, message]),
      [['info', 'entry at http://127.0.0.1:12003: 100 of 1000 answers were 5xx of the backend itself']],
    );
    const few = answers(200, 9_950) + answers(502, 50);
    assert.deepEqual(judged({ before: few, after: few }), []);
    const ours = answers(200, 1) + answers(503, 9) + line('SP_NO_CLIENT', 9);
    const found = judged({ after: ours });
    assert.deepEqual(pagesOf(found), ['fail sp-no-client.md']);
    assert.match(found[0]!.fix!, /access log names the session \(grep SP_NO_CLIENT\)/);
  });

  it('says which setting a limit that was reached has', () => {
    const found = judged({ before: hits('links', 2), after: hits('links', 4) + hits('head-timeout', 1) });
    assert.deepEqual(pagesOf(found), ['fail sallyport-limit-hit.md', 'warn sp-head-timeout.md']);
    assert.match(found[0]!.fix!, /maxLinks/);
    assert.deepEqual(judged({ before: hits('head-timeout', 1), after: hits('head-timeout', 1) }), []);
    assert.deepEqual(pagesOf(judged({ after: hits('of-tomorrow', 1) })), ['fail sallyport-limit-hit.md']);
  });

  it('sees sessions with all slots busy, and nearly so', () => {
    const session = { session: 'demo', links: 1, free: 10, busy: 0, waiting: 0 };
    const found = (line: object) => pagesOf(judged({ sessions: [{ ...session, ...line }] }));
    assert.deepEqual(found({}), []);
    assert.deepEqual(found({ free: 0, busy: 10, waiting: 7 }), ['fail sp-queue-full.md']);
    assert.deepEqual(found({ free: 2, busy: 8 }), ['warn sallyport-slots-nearly-full.md']);
    assert.deepEqual(found({ free: 3, busy: 7 }), []);
  });

  it('says how long the backend of a full session takes now, and took before: by the client, else by the entry', () => {
    const session = { session: 'demo', links: 1, free: 0, busy: 10, waiting: 7 };
    const server = partOf({ part: 'server', where: 'server', sessions: [session] });
    const told = (...others: readonly Told[]) => {
      const found = judgedAmong(server, others.map(partOf)).find(({ check }) => check === 'session');
      return [found?.message, found?.fix];
    };
    const full = 'server: session demo: all 10 slots are busy, and 7 wait';
    const mend = 'mend it, or raise client.concurrency if it has room';
    const more = 'raise client.concurrency if the backend has room, or start another client';
    const unknown = `ask its client too (--admin http://CLIENT:12004): slow: mend the backend; else ${more}`;
    const slowNow = { before: client(100, 1.7), after: client(120, 1.7 + 10.02) };
    const slow = [`${full}; the backend takes 501 ms now, 17 ms since the start`, mend];
    assert.deepEqual(told(slowNow), slow);
    assert.deepEqual(told({ before: entryHops(90, 0.1), after: entryHops(150, 0.15) }, slowNow), slow);
    assert.deepEqual(told({ before: entryHops(100, 1.7), after: entryHops(120, 1.7 + 10.02) }), slow);
    // The client was restarted: the entry knows how it was.
    const young = { before: client(2, 1.002), after: client(22, 1.002 + 10.02) };
    assert.deepEqual(told({ before: entryHops(100, 1.7), after: entryHops(120, 1.7 + 10.02) }, young), slow);
    const asEver = [`${full}; the backend takes 1.1 ms now, 1.0 ms since the start`, more];
    assert.deepEqual(told({ before: client(100, 0.1), after: client(200, 0.21) }), asEver);
    const hangs = `${full}; the backend answered nothing in the last second, and took 17 ms since the start`;
    assert.deepEqual(told({ before: client(100, 1.7), after: client(100, 1.7) }), [hangs, mend]);
    assert.deepEqual(told(), [full, unknown]);
    // A server has the histogram of hops too, and nothing in it.
    const zero = partOf({ part: 'server', where: 'server', sessions: [session], after: entryHops(0, 0) });
    assert.equal(judgedAmong(zero, []).find(({ check }) => check === 'session')?.message, full);
  });

  it('sends to the log of one session where the time is that of several', () => {
    const session = { session: 'demo', links: 1, free: 0, busy: 10, waiting: 7 };
    const shop = { session: 'shop', links: 1, free: 9, busy: 1, waiting: 0 };
    const server = partOf({ part: 'server', where: 'server', sessions: [session, shop] });
    const found = judgedAmong(server, [partOf({ before: client(100, 1.7), after: client(200, 3.4) })]);
    const { message, fix } = found.find(({ check }) => check === 'session')!;
    assert.match(message, /; a backend \(all sessions together\) takes 17 ms now, 17 ms since the start$/);
    assert.match(fix!, /grep '"status":200\.\*"session":"demo"' entry\.log \| tail -3.*slow: mend it; else raise/);
  });

  it('fails for a session without a client that is configured or asked for, and names the client that it had', () => {
    const gone = { session: 'demo', principal: 'laptop', links: 0, free: 0, busy: 0, waiting: 0 };
    const server = (line: object = {}) => partOf({ part: 'server', where: 'server', sessions: [{ ...gone, ...line }] });
    const message = 'server: session demo has no client; the last was laptop';
    assert.deepEqual(sessionLines(server()), [`warn ${message}`]);
    assert.deepEqual(sessionLines(server(), [], ['demo']), [`fail ${message}`]);
    assert.deepEqual(sessionLines(server({ waiting: 1 })), [`fail ${message}`]);
    assert.deepEqual(sessionLines(server(), [partOf({ after: line('SP_NO_CLIENT', 1) })]), [`fail ${message}`]);
    const other = server({ links: 1, free: 10 });
    assert.deepEqual(sessionLines(server(), [other], ['demo']), [
      'warn server: session demo has no client here; the last was laptop',
    ]);
    const unknown = [partOf({ part: 'server', where: 'server' })];
    const [missing] = judgeUnknown(unknown, deploymentOf(unknown, ['demo']));
    assert.deepEqual([missing?.status, missing?.message], ['fail', 'server: session demo has no client']);
    assert.deepEqual(judgeUnknown([server()], deploymentOf([server()], ['demo'])), []);
    assert.deepEqual(judgeUnknown([partOf({})], deploymentOf([partOf({})], ['demo'])), []);
  });

  it('names the session whose backend answers 5xx where there is one alone, and else the way to find it', () => {
    const session = { links: 1, free: 10, busy: 0, waiting: 0 };
    const server = (...ids: readonly string[]) =>
      partOf({ part: 'server', sessions: ids.map((id) => ({ ...session, session: id })) });
    const entry = partOf({ after: answers(500, 40) });
    const of = (...ids: readonly string[]) =>
      judgedAmong(entry, [server(...ids)]).find(({ check }) => check === 'backend');
    assert.match(of('demo')!.message, /are 5xx of the backend itself, of session demo$/);
    assert.doesNotMatch(of('demo')!.fix!, /grep/);
    assert.match(of('demo', 'other')!.message, /are 5xx of a backend itself$/);
    assert.match(of('demo', 'other')!.fix!, /grep '"status":5' entry\.log \| tail -3 names session and target/);
  });

  it('names the backend that is meant, of several, by what its client says', () => {
    const slots = { links: 1, free: 9, busy: 1, waiting: 0 };
    const sessions = ['demo', 'shop'].map((session) => ({ session, ...slots, free: 0, busy: 10, waiting: 7 }));
    const server = partOf({ part: 'server', where: 'server', sessions });
    const offersBefore = [offer('demo', 100, 0, 1.7), offer('shop', 100, 9, 0.1)];
    const offers = [offer('demo', 120, 20, 1.7 + 10.02), offer('shop', 200, 9, 0.2)];
    const clientPart = partOf({ part: 'client', where: 'client', offersBefore, offers });
    const entry = partOf({ where: 'entry', before: answers(200, 300), after: answers(200, 300) + answers(500, 20) });
    const of = (part: RunningPart, others: readonly RunningPart[]) =>
      judgedAmong(part, others).filter(({ check }) => check === 'session' || check === 'backend');
    const full = of(server, [clientPart]);
    assert.match(full[0]!.message, /; its backend http:\/\/demo.test takes 501 ms now, 17 ms since the start$/);
    assert.match(full[0]!.fix!, /^mend it/);
    assert.match(full[1]!.message, /; its backend http:\/\/shop.test takes 1.0 ms now, 1.0 ms since the start$/);
    assert.match(full[1]!.fix!, /^raise client.concurrency/);
    const [failing] = of(entry, [server, clientPart]);
    assert.match(failing!.message, /are 5xx of the backend itself, http:\/\/demo.test of session demo$/);
    assert.equal(failing!.fix, 'mend that backend: its own log says why');
    const down = { 'backend:shop': { ok: false, detail: 'cannot connect to the backend' } };
    const lastFailure = 'connect ECONNREFUSED 127.0.0.1:3000';
    const refused = { ...clientPart, readiness: { checks: down }, offers: [{ ...offers[1]!, lastFailure }] };
    assert.equal(
      judgedAmong(refused)[0]?.message,
      `client: backend:shop: cannot connect to the backend http://shop.test: ${lastFailure}`,
    );
  });

  it('tells of a fault in one line, and of what comes of it in another', () => {
    const session = { session: 'demo', links: 1, free: 0, busy: 4, waiting: 7 };
    const found = judged({
      after: line('SP_QUEUE_FULL', 5) + line('SP_NO_SERVER', 1) + hits('queue-timeout', 4),
      sessions: [session],
    });
    assert.deepEqual(verdicts(found), ['fail session', 'fail refused', 'fail refused', 'fail limit']);
    const folded = foldConsequences(found);
    assert.deepEqual(verdicts(folded), ['fail session', 'fail refused', 'info follows']);
    assert.match(folded[1]!.message, /SP_NO_SERVER/);
    assert.match(
      folded[2]!.message,
      /^what comes of it: .*: SP_QUEUE_FULL, .* 5 in .*; .*queue-timeout was reached 4 times/,
    );
    assert.deepEqual(foldConsequences(found.slice(1)), found.slice(1));
  });

  it('tells all that is over in one line', () => {
    const past = line('SP_NO_CLIENT', 2) + line('SP_QUEUE_FULL', 3) + hits('queue', 4);
    const found = judged({ before: past, after: past });
    assert.deepEqual(verdicts(found), ['info earlier']);
    assert.match(found[0]!.message, /12003: 2 × SP_NO_CLIENT, 3 × SP_QUEUE_FULL, 4 × limit queue[;,.]?/);
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
        expiry('a', 15) +
        expiry('b', 13) +
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
    assert.match(found[0]!.message, /certificate b, in force, expires in 13\.0 days$/);
    assert.match(found[1]!.message, /certificate c, in force, has expired$/);
    assert.deepEqual(pagesOf(judged({ after: expiry('d', 6.95) })), ['fail sallyport-certificate-expiring.md']);
    const short = (daysLeft: number) => lifetime('d', 90) + lifetime('e', 6) + expiry('e', daysLeft);
    assert.deepEqual(judged({ after: short(1.6) }), []);
    assert.deepEqual(pagesOf(judged({ after: short(1.4) })), ['warn sallyport-certificate-expiring.md']);
    assert.deepEqual(pagesOf(judged({ after: short(0.9) })), ['fail sallyport-certificate-expiring.md']);
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
    assert.match(found[3]!.message, /4 log lines were lost since its start, 4 in the last second$/);
    const lost = 'sallyport_log_lines_lost_total{part="entry",where="buffer"} 4\n';
    const [over, ...more] = judged({ before: lost, after: lost });
    assert.deepEqual([over?.status, over?.message.endsWith(': 4 log lines were lost'), more], ['info', true, []]);
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

const DEFAULT_PORTS = /127\.0\.0\.1:1200[234]\b/;

/** How busy this machine is, its limits, what else runs on it. */
function isOfMachine({ check, message }: Finding): boolean {
  return check === 'event-loop' || check === 'descriptors' || DEFAULT_PORTS.test(message);
}

/** What is found, but for what is so on this machine. */
async function look(given: Given): Promise<Finding[]> {
  return (await checkRunning(contextOf(given))).filter((finding) => !isOfMachine(finding));
}

function allowed(files: number): RunningPart {
  return partOf({ part: 'server', after: `process_max_fds ${files}\n` });
}

describe('checkDescriptors', () => {
  it('goes by what a running part says that it is allowed', () => {
    const context = contextOf({ set: { 'server.maxLinks': 5_000 } });
    const of = (...parts: readonly RunningPart[]) => checkDescriptors(context, parts).map(({ message }) => message);
    assert.deepEqual(of(allowed(7_000)), ['open files allowed: server 7000']);
    const short = ['6000 open files allowed, and the server may need 6088'];
    assert.deepEqual(of(allowed(7_000), allowed(6_000)), short);
    assert.deepEqual(checkDescriptors(contextOf({ admin: ['http://127.0.0.1:1'] }), [allowed(1)]), []);
  });
});

describe('checkRunning', { timeout: 300_000 }, () => {
  it('asks the parts of the configuration, and says which of them it could not', async (t) => {
    const port = Number(new URL(await runningServer(t)).port);
    const found = await look({ set: { 'server.admin.port': port } });
    assert.deepEqual(verdicts(found), ['ok ready']);
    assert.match(found[0]!.message, /^server at http:\/\/127\.0\.0\.1:\d+: ready, \d+ of \d+ open files$/);
    const gone = await freePort();
    const [missed] = await look({ set: { 'client.admin.port': gone } });
    const nobody = `not looked at: client (nothing listens at http://127.0.0.1:${gone})`;
    assert.deepEqual([missed?.status, missed?.check, missed?.message], ['warn', 'look', nobody]);
    const sessions = [{ id: 'demo', backend: 'http://127.0.0.1:1' }];
    const set = { 'server.admin.port': port, 'client.admin.port': 0, 'client.sessions': sessions };
    const unserved = await look({ set });
    assert.deepEqual(verdicts(unserved), ['ok ready', 'fail session', 'warn look']);
    assert.match(unserved[1]!.message, /: session demo has no client$/);
    assert.equal(unserved[2]!.message, 'not looked at: client (client.admin.port is 0)');
  });

  it('asks those that it is told instead, and misses what is not there', async (t) => {
    const other = await httpServer(t, (_, response) => void response.end('hello'));
    const admin = [await runningEntry(t), `http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${other}`];
    const found = await look({ admin });
    assert.deepEqual(verdicts(found), ['fail ready', 'fail ready', 'fail ready']);
    const [unasked] = (await look({ admin, set: { 'client.links': 2 } })).slice(3);
    assert.equal(unasked?.message, 'not looked at: client (no --admin leads to one)');
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
    const refused = await look({ admin });
    assert.deepEqual(pagesOf(refused), ['fail sp-admin-unauthorized.md']);
    const { id, secret } = issued.value;
    const found = await look({ admin, authorization: `Bearer ${id}.${secret}` });
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
      const found = await look({ admin, authorization: 'Bearer a.b' });
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
    const found = await look({ admin, authorization });
    assert.deepEqual(verdicts(found), ['ok ready', 'warn ready']);
    assert.match(found[1]!.message, /credential went there in clear text$/);
  });

  it('compares the client of the configuration with its file', async (t) => {
    const port = await httpServer(t, ({ url }, response) => {
      const answers: Record<string, string> = {
        '/readyz': '{"checks":{"accepting":{"ok":true}}}',
        '/metrics': 'sallyport_build_info{part="client"} 1\n',
        '/api/sessions': JSON.stringify([offer('demo', 1, 0, 1)]),
      };
      response.end(answers[url!]);
    });
    const sessions = [{ id: 'demo', backend: 'http://127.0.0.1:1' }];
    const set = { 'client.admin.port': port, 'client.sessions': sessions };
    assert.ok(verdicts(await look({ set })).includes('warn reload'));
    // Named by its address it may be another one than that of the file.
    assert.ok(!verdicts(await look({ set, admin: [`http://127.0.0.1:${port}`] })).includes('warn reload'));
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
      const found = await look({ admin: [`http://127.0.0.1:${port}`] });
      assert.deepEqual(verdicts(found), ['fail ready'], list);
      assert.match(found[0]!.message, /lists that cannot be read/);
    }
  });

  it('warns of a part whose clock is an hour off', async (t) => {
    const found = await look({ admin: [await runningServer(t)], nowMs: () => Date.now() - HOUR_MS });
    assert.deepEqual(verdicts(found), ['ok ready', 'warn clock']);
  });
});
