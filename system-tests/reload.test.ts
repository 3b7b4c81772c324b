/** A part takes over what its configuration says now: at a signal or by its admin port, whole or not at all. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { LEAVES } from '@sallyport/config';
import { WebSocket } from 'ws';
import { eventually, within } from './harness/deadline.ts';
import { Load } from './harness/load.ts';
import type { Outcome } from './harness/load.ts';
import { scrape, total } from './harness/metrics.ts';
import { noteSecret } from './harness/secrets.ts';
import { startStack } from './harness/stack.ts';
import { visit } from './harness/visit.ts';
import { startEchoBackend } from './reload/echo-backend.ts';
import type { EchoBackend } from './reload/echo-backend.ts';
import { ENTRY_EFFECTS, seesNewCredential } from './reload/entry-effects.ts';
import { Fleet, logged, untilLogged } from './reload/fleet.ts';
import type { Changes, PartName } from './reload/fleet.ts';
import { CLIENT_EFFECTS, clientLinks, codeAt, dialledLink, SERVER_EFFECTS } from './reload/part-effects.ts';

const PARTS = ['server', 'entry', 'client'] as const;
/** On a machine that others hold up: for one request, and for what is held through all rounds of reloads. */
const HANG_MS = 60_000;
const ALL_ROUNDS_MS = 300_000;

/** Live settings whose effect is seen in a test of its own below, or in that of TLS. */
const SEEN_ELSEWHERE = [
  'entry.servers',
  'entry.credentialFile',
  'entry.sessionSyncTimeoutMs',
  'entry.drainTimeoutMs',
  'entry.tls.defaultCertificate',
  'entry.tls.handshakeTimeoutMs',
  'entry.tls.redirectPort',
  'entry.tls.hstsMaxAgeS',
  'entry.tls.clientCertificateHosts',
  // In tracing.test.ts.
  'tracing.sampleRatio',
  'server.drainTimeoutMs',
  'client.servers',
  'client.credentialFile',
  'client.drainTimeoutMs',
];

function byEnd(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { end, code } of outcomes) counts[`${end} ${code}`.trim()] = (counts[`${end} ${code}`.trim()] ?? 0) + 1;
  return counts;
}

/** One for all tests of a `describe`, as it was at its start for each of them. */
function useFleet(set: Changes = {}): { readonly fleet: Fleet; readonly backend: EchoBackend } {
  let backend: EchoBackend;
  let fleet: Fleet;
  before(async () => {
    backend = await startEchoBackend('one');
    fleet = await Fleet.start({ 'client.sessions': [{ id: 'demo', backend: backend.url }], ...set });
  });
  afterEach(async () => {
    fleet.restoreFiles();
    for (const part of PARTS) await fleet.reset(part);
    const isBack = async () => ((await visit(fleet.url)).body.toString().includes('"name":"one"') ? true : undefined);
    await eventually(isBack, 'the session as it was');
  });
  after(async () => {
    await fleet?.stop();
    await backend?.close();
  });
  return {
    get fleet() {
      return fleet;
    },
    get backend() {
      return backend;
    },
  };
}

async function startFleet(context: TestContext, set: Changes = {}) {
  const backend = await startEchoBackend('one');
  context.after(() => backend.close());
  const fleet = await Fleet.start({ 'client.sessions': [{ id: 'demo', backend: backend.url }], ...set });
  context.after(() => fleet.stop());
  return { fleet, backend };
}

describe('what a reload changes takes effect', () => {
  let fleet: Fleet;
  let backend: EchoBackend;
  let other: EchoBackend;
  before(async () => {
    backend = await startEchoBackend('one');
    other = await startEchoBackend('other');
    fleet = await Fleet.start({
      'client.concurrency': 2,
      'client.sessions': [{ id: 'demo', backend: backend.url }],
    });
  });
  after(async () => {
    await fleet?.stop();
    await Promise.all([backend?.close(), other?.close()]);
  });

  for (const effect of ENTRY_EFFECTS) {
    it(`entry: ${effect.it}`, async () => {
      await effect.before?.(fleet);
      await fleet.set('entry', effect.changes);
      await effect.seen(fleet);
      await fleet.reset('entry');
    });
  }
  for (const effect of SERVER_EFFECTS) {
    it(`server: ${effect.it}`, async () => {
      await fleet.set('server', effect.changes(backend, other));
      await effect.seen(fleet, backend);
      await fleet.reset('server');
    });
  }
  it('entry: its servers know it by another credential', async () => {
    await seesNewCredential(fleet);
    assert.equal((await visit(fleet.url)).status, 200);
  });
  for (const effect of CLIENT_EFFECTS) {
    it(`client: ${effect.it}`, async () => {
      await fleet.set('client', effect.changes(backend, other));
      await effect.seen(fleet, backend);
      await fleet.reset('client');
      await eventually(
        async () => ((await visit(fleet.url)).body.toString().includes('"name":"one"') ? true : undefined),
        'the session as it was',
      );
    });
  }
});

it('of every setting that a reload changes it is seen here that it does', () => {
  const parts = [...SERVER_EFFECTS, ...CLIENT_EFFECTS];
  const nowhere = { url: 'http://127.0.0.1:1' } as EchoBackend;
  const seen = new Set([
    ...SEEN_ELSEWHERE,
    ...ENTRY_EFFECTS.flatMap(({ changes }) => Object.keys(changes)),
    ...parts.flatMap(({ changes }) => Object.keys(changes(nowhere, nowhere))),
  ]);
  const live = LEAVES.filter(({ isLive }) => isLive).map(({ path }) => path);
  assert.deepEqual([...seen].toSorted(), live.toSorted());
});

async function refused(fleet: Fleet, part: PartName) {
  const { status, body } = await fleet.reload(part);
  assert.equal(status, 409);
  assert.equal(body.code, 'SP_RELOAD_REFUSED');
  return body;
}

describe('a reload that is refused', () => {
  const used = useFleet();

  it('changes nothing, and says so by its answer, one line of the log and a metric', async () => {
    const { fleet } = used;
    fleet.write({ 'entry.hosts': { 'app.test': 'demo' }, 'entry.keepAliveTimeoutMs': -1 });
    const { problems = [] } = await refused(fleet, 'entry');
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /entry\.keepAliveTimeoutMs/);
    assert.equal((await visit(fleet.entry.url, { fields: { Host: 'app.test' } })).status, 404);
    const lines = await untilLogged(fleet.entry, 'configuration not reloaded');
    assert.deepEqual(
      lines.map(({ problems: told }) => told),
      [problems],
    );
    const metrics = await scrape(fleet.entry.admin);
    assert.equal(total(metrics, 'sallyport_config_reloads_total', 'outcome="refused"'), 1);
    assert.equal(total(metrics, 'sallyport_config_last_reload_successful'), 0);
    await fleet.reset('entry');
    assert.equal(total(await scrape(fleet.entry.admin), 'sallyport_config_last_reload_successful'), 1);
  });

  it('names the settings that need a restart, and leaves the others as they were', async () => {
    const { fleet } = used;
    fleet.write({ 'entry.hosts': { 'app.test': 'demo' }, 'entry.host': '127.0.0.2', 'link.heartbeatMs': 4000 });
    const { problems, restart } = await refused(fleet, 'entry');
    assert.deepEqual(restart, ['entry.host', 'link.heartbeatMs']);
    for (const line of problems ?? []) assert.match(line, /restart/);
    assert.equal((await visit(fleet.entry.url, { fields: { Host: 'app.test' } })).status, 404);
  });

  it('is refused by the parts that it concerns alone', async () => {
    const { fleet } = used;
    fleet.write({ 'server.host': '127.0.0.2' });
    assert.deepEqual((await refused(fleet, 'server')).restart, ['server.host']);
    for (const part of ['entry', 'client'] as const) assert.equal((await fleet.reload(part)).status, 200);
  });

  it('leaves a file out of which nothing can be read where it is', async () => {
    const { fleet } = used;
    writeFileSync(fleet.file, 'entry: [');
    for (const part of PARTS) assert.match((await refused(fleet, part)).problems?.join() ?? '', /sallyport\.yaml/);
    for (const file of ['entry.secret', 'client.secret', 'store.json']) writeFileSync(join(fleet.folder, file), 'x');
    fleet.write({});
    for (const part of PARTS) assert.match((await refused(fleet, part)).problems?.join() ?? '', /\.secret|store\.json/);
    assert.equal((await visit(fleet.url)).status, 200);
  });

  it('leaves links as they are where the new credential is unknown to the server', async () => {
    const { fleet } = used;
    for (const part of ['entry', 'client'] as const) {
      writeFileSync(join(fleet.folder, `${part}.secret`), 'nobody:0123456789abcdef0123456789abcdef\n');
      assert.equal((await fleet.reload(part)).status, 200);
    }
    await untilLogged(fleet.entry, 'new uplink not up yet');
    await untilLogged(fleet.client, 'new link not up yet');
    assert.equal((await visit(fleet.url)).status, 200);
    assert.equal((await visit(`${fleet.client.admin}/readyz`)).status, 200);
  });

  it('leaves links as they are where the new credential is for the other part', async () => {
    const { fleet } = used;
    const others = { entry: 'client', client: 'entry' } as const;
    for (const part of ['entry', 'client'] as const) {
      await fleet.credential(part, others[part]);
      assert.equal((await fleet.reload(part)).status, 200);
      await eventually(
        async () =>
          /: it is for (entries|clients), and this is an? /.test(fleet[part].command.stderr) ? true : undefined,
        () => `the reason in the log:\n${fleet[part].command.stderr}`,
      );
      assert.equal(logged(fleet[part], part === 'entry' ? 'uplink lost' : 'link lost').length, 0);
    }
    assert.equal((await visit(fleet.url)).status, 200);
    assert.equal((await visit(`${fleet.client.admin}/readyz`)).status, 200);
  });
});

describe('SIGHUP', () => {
  const used = useFleet({ 'log.level': 'info' });

  it('reloads each part', async () => {
    const { fleet } = used;
    fleet.write({ 'entry.hosts': { 'app.test': 'demo' }, 'server.queue.limit': 7, 'client.concurrency': 7 });
    for (const part of PARTS) fleet[part].command.signal('SIGHUP');
    const changed = [['server.queue.limit'], ['entry.hosts'], ['client.concurrency']];
    for (const [i, part] of PARTS.entries()) {
      const [line] = await untilLogged(fleet[part], 'configuration reloaded');
      assert.deepEqual(line?.['changed'], changed[i]);
    }
    assert.equal((await visit(fleet.entry.url, { fields: { Host: 'app.test' } })).status, 200);
  });

  it('many at once are no more reloads than signals, and the last file is in force', async () => {
    const { fleet } = used;
    // Not by the log, whose lines come up to 100 ms later.
    const reloads = async () => total(await scrape(fleet.entry.admin), 'sallyport_config_reloads_total');
    const before = await reloads();
    for (let i = 1; i <= 20; i += 1) {
      fleet.write({ 'entry.hosts': { 'app.test': i === 20 ? 'demo' : `no-${i}` } });
      fleet.entry.command.signal('SIGHUP');
    }
    const asked = { fields: { Host: 'app.test' } };
    await eventually(
      async () => ((await visit(fleet.entry.url, asked)).status === 200 ? true : undefined),
      'the last file to be in force',
    );
    assert.ok((await reloads()) <= before + 20);
  });

  it('stops what has no configuration of its own to load again: up', async (context) => {
    const { command, admin } = await startStack();
    context.after(() => command.stop());
    const answer = await visit(`${admin.entry}/api/reload`, {
      method: 'POST',
      body: '{}',
      fields: { 'Content-Type': 'application/json' },
    });
    assert.equal(answer.status, 404);
    command.signal('SIGHUP');
    assert.deepEqual(await within(command.ended, 'the end of up', HANG_MS), { code: 0, signal: null });
  });
});

describe('while parts reload again and again', () => {
  it('no request is lost, no stream cut, and nothing is left over', async (context) => {
    const { fleet, backend } = await startFleet(context, {
      'client.concurrency': 8,
      'client.reconnectMaxMs': 200,
      'client.backendHeadTimeoutMs': ALL_ROUNDS_MS,
    });
    const testBackend = await startStack();
    context.after(() => testBackend.command.stop());
    const load = { id: 'load', backend: testBackend.direct };
    const sessions = [{ id: 'demo', backend: backend.url }, load];
    await fleet.set('client', { 'client.sessions': sessions });
    await eventually(
      async () => ((await visit(`${fleet.entry.url}/session/load/loadtest/get`)).status === 200 ? true : undefined),
      'the session of the load',
    );
    const webSocket = new WebSocket(`${fleet.entry.url.replace('http', 'ws')}/session/load/loadtest/ws`);
    context.after(() => webSocket.terminate());
    await within(new Promise((resolve) => webSocket.once('open', resolve)), 'a WebSocket');
    const held = visit(`${fleet.url}held`, { limitMs: ALL_ROUNDS_MS });
    await backend.holds(1);

    await using traffic = new Load(`${fleet.entry.url}/session/load/`, 4, HANG_MS);
    await traffic.more(20);
    for (let round = 0; round < 6; round += 1) {
      await fleet.set('entry', { 'entry.hosts': { [`r${round}.test`]: 'demo' }, 'entry.connections': 9_000 + round });
      await fleet.set('server', { 'server.queue.limit': 500 + round });
      const odd = round % 2 === 0 ? [{ id: `odd-${round}`, backend: backend.url }] : [];
      await fleet.set('client', {
        'client.concurrency': 9 + round,
        'client.sessions': [...sessions, ...odd],
      });
      await traffic.more(40);
      await fleet.credential(`entry-${round}`, 'entry');
      await fleet.set('entry', { 'entry.credentialFile': join(fleet.folder, `entry-${round}.secret`) });
      await traffic.more(20);
    }
    const outcomes = await traffic.stop();
    assert.deepEqual(byEnd(outcomes), { answer: outcomes.length });

    const echoed = new Promise<string>((resolve) => webSocket.once('message', (data: Buffer) => resolve(String(data))));
    webSocket.send('still here');
    assert.equal(await within(echoed, 'the echo'), 'still here');
    backend.release();
    assert.equal((await held).body.toString(), 'released');
    webSocket.close();
    // Two sessions with a link each, and one uplink: all others have gone once nothing ran on them.
    await eventually(async () => {
      const links = await fleet.api<{ kind: string }[]>('server', 'links');
      return links.length === 3 ? true : undefined;
    }, 'the links that were replaced to be gone');
    await eventually(async () => {
      const metrics = await scrape(fleet.client.admin);
      const left = total(metrics, 'sallyport_streams') + total(metrics, 'sallyport_slots', 'state="busy"');
      return left === 0 ? true : undefined;
    }, 'all streams to be over, and all slots free');
  });
});

/** Links that are to be replaced while so many streams run on those of a reload before. */
async function isRefused(fleet: Fleet, streams: number): Promise<void> {
  fleet.write({ 'client.links': 1 });
  const { problems = [] } = await refused(fleet, 'client');
  assert.match(problems.join(), new RegExp(`^session demo: .* streams still run on them \\(${streams}\\)`));
}

describe('while the clients of a session change', () => {
  it('its backend never has more than its limits, and a third is refused until the first has ended', async (context) => {
    const patience = { 'server.queue.timeoutMs': ALL_ROUNDS_MS };
    const limits = { 'client.concurrency': 2, 'client.maxLongStreams': 1, ...patience };
    const { fleet, backend } = await startFleet(context, { ...limits, 'log.level': 'info' });
    const events = new AbortController();
    context.after(() => events.abort());
    const stream = await fetch(`${fleet.url}events`, { signal: events.signal });
    assert.equal(stream.status, 200);
    const held = Array.from({ length: 8 }, () => visit(`${fleet.url}held`, { limitMs: ALL_ROUNDS_MS }));
    await backend.holds(2);

    for (let round = 0; round < 6; round += 1) {
      await fleet.set('client', { 'client.backendHeadTimeoutMs': ALL_ROUNDS_MS + round });
    }
    assert.equal((await clientLinks(fleet)).length, 1, 'limits are put in force where they are');
    await fleet.set('client', { 'client.links': 2 });
    // By the client's own word: the server knows the new links a moment before they have replaced the old one.
    await untilLogged(fleet.client, 'link up', 3);
    assert.equal((await clientLinks(fleet)).length, 3, 'the new links beside the old one');
    await isRefused(fleet, 3);

    await fleet.set('client', { 'client.links': 2, 'client.backendHeadTimeoutMs': 2 * ALL_ROUNDS_MS }, [
      'client.backendHeadTimeoutMs',
    ]);
    const all = Promise.all(held);
    const timer = setInterval(() => backend.release(), 20);
    context.after(() => clearInterval(timer));
    for (const { status } of await within(all, 'all that was held', 60_000)) assert.equal(status, 200);
    assert.equal(backend.mostHeld, 2);
    assert.equal(await codeAt(`${fleet.url}events`), 'SP_LONG_STREAMS');
    await isRefused(fleet, 1);
    events.abort();
    await eventually(
      async () => ((await clientLinks(fleet)).length === 2 ? true : undefined),
      'the old link to be gone',
    );
    await fleet.set('client', { 'client.links': 1 });
  });

  it('no request is lost where it moves from one server to another that the entry knows', async (context) => {
    const { fleet } = await startFleet(context);
    const second = await fleet.secondServer();
    await fleet.set('entry', { 'entry.servers': [fleet.server.url, second.url] });
    await eventually(async () => {
      const views = await fleet.api<{ isSynced: boolean }[]>('entry', 'servers');
      return views.filter(({ isSynced }) => isSynced).length === 2 ? true : undefined;
    }, 'both servers');
    await using traffic = new Load(fleet.url, 8, HANG_MS);
    for (const url of [second.url, fleet.server.url, second.url, fleet.server.url]) {
      await traffic.more(40);
      fleet.write({ 'client.servers': [url] });
      // Until what ran on the links of two moves before has ended.
      const isTaken = async () => ((await fleet.reload('client')).status === 200 ? true : undefined);
      await eventually(isTaken, 'the move to be taken');
      await traffic.more(80);
    }
    const outcomes = await traffic.stop();
    assert.deepEqual(
      outcomes.filter(({ status }) => status !== 200),
      [],
    );
  });
});

describe('other settings', () => {
  it('an entry and a client change over to another server', async (context) => {
    const { fleet } = await startFleet(context);
    const second = await fleet.secondServer();
    await fleet.set('entry', { 'entry.servers': [fleet.server.url, second.url] });
    await fleet.set('client', { 'client.servers': [second.url] });
    await eventually(async () => {
      const views = await fleet.api<{ isSynced: boolean; sessions: unknown[] }[]>('entry', 'servers');
      return views.length === 2 && views[1]?.sessions.length === 1 ? true : undefined;
    }, 'the session at the second server');
    await fleet.set('entry', { 'entry.servers': [second.url] });
    assert.equal((await visit(fleet.url)).status, 200);
    await eventually(async () => {
      const links = await fleet.api<unknown[]>('server', 'links');
      return links.length === 0 ? true : undefined;
    }, 'the first server to be left');
  });

  it('a drain takes as long as is said last', async (context) => {
    const stopped = PARTS.map(async (part) => {
      const { fleet, backend } = await startFleet(context, { [`${part}.drainTimeoutMs`]: 86_400_000 });
      await fleet.set(part, { [`${part}.drainTimeoutMs`]: 100 });
      const held = visit(`${fleet.url}held`, { limitMs: 60_000 }).catch(() => null);
      await backend.holds(1);
      await fleet[part].command.stop();
      backend.release();
      await held;
    });
    await Promise.all(stopped);
  });

  it('what waits for the first list of sessions waits as long as is said last', async (context) => {
    const { fleet } = await startFleet(context, { 'entry.sessionSyncTimeoutMs': 86_400_000 });
    await fleet.server.command.stop();
    await eventually(
      async () => ((await visit(`${fleet.entry.admin}/readyz`)).status === 503 ? true : undefined),
      'the entry to notice',
    );
    await fleet.set('entry', { 'entry.sessionSyncTimeoutMs': 1 });
    assert.equal((await visit(fleet.url)).status, 503);
  });
});

describe('sessions and credentials change', () => {
  const used = useFleet();

  it('a session that is offered no more finishes what runs, and is then unknown to nobody', async () => {
    const { fleet, backend } = used;
    const rest = [{ id: 'rest', backend: backend.url }];
    const held = visit(`${fleet.url}held`, { limitMs: HANG_MS });
    await backend.holds(1);
    await fleet.set('client', { 'client.sessions': rest });
    await eventually(
      async () => ((await visit(fleet.url)).status === 503 ? true : undefined),
      'the session to have no client',
    );
    backend.release();
    assert.equal((await held).body.toString(), 'released');
    await eventually(async () => {
      const links = await fleet.api<{ kind: string; session?: string }[]>('server', 'links');
      return links.every(({ session = 'rest' }) => session === 'rest') ? true : undefined;
    }, 'its link to be gone');
  });

  it('of two credentials in a row the last is used, though the first was never heard of', async () => {
    const { fleet } = used;
    for (const [part, message] of [
      ['entry', 'new uplink not up yet'],
      ['client', 'new link not up yet'],
    ] as const) {
      writeFileSync(join(fleet.folder, `${part}.secret`), 'nobody:0123456789abcdef0123456789abcdef\n');
      assert.equal((await fleet.reload(part)).status, 200);
      await untilLogged(fleet[part], message);
      const before = await fleet.api<{ remote: string }[]>('server', 'links');
      const file = await fleet.credential(`${part}-again`, part);
      await fleet.set(part, { [`${part}.credentialFile`]: file });
      await eventually(async () => {
        const links = await fleet.api<{ remote: string }[]>('server', 'links');
        const fresh = links.filter(({ remote }) => before.every((old) => old.remote !== remote));
        return links.length === 2 && fresh.length === 1 ? true : undefined;
      }, `one new link of the ${part}, and no other`);
      assert.equal((await visit(fleet.url)).status, 200);
    }
  });

  it('a credential that a server hears of later is used from then on', async () => {
    const { fleet } = used;
    const secret = noteSecret('late-0123456789abcdef0123456789');
    writeFileSync(join(fleet.folder, 'entry.secret'), `late:${secret}\n`);
    assert.equal((await fleet.reload('entry')).status, 200);
    await untilLogged(fleet.entry, 'new uplink not up yet');
    await fleet.importCredential(`late:${secret}`, 'entry');
    await eventually(async () => {
      const links = await fleet.api<{ kind: string; principal: string }[]>('server', 'links');
      const principals = links.filter(({ kind }) => kind === 'uplink').map(({ principal }) => principal);
      return principals.join() === 'late' ? true : undefined;
    }, 'one uplink, with the new credential');
    assert.equal((await visit(fleet.url)).status, 200);
  });

  it('a session that a server refuses is told of, and the others go on', async () => {
    const { fleet, backend } = used;
    const file = await fleet.credential('narrow', 'client', ['demo']);
    await fleet.set('client', { 'client.credentialFile': file });
    const sessions = [
      { id: 'demo', backend: backend.url },
      { id: 'foreign', backend: backend.url },
    ];
    await fleet.set('client', { 'client.sessions': sessions });
    await eventually(async () => {
      const lost = logged(fleet.client, 'link lost').filter(({ session }) => session === 'foreign');
      return lost.some(({ reason }) => /does not cover/.test(String(reason))) ? true : undefined;
    }, 'a refusal of the session');
    assert.equal((await visit(fleet.url)).status, 200);
    // While it dials again it has a link for a moment.
    const isMissing = async () => ((await visit(`${fleet.client.admin}/readyz`)).status === 503 ? true : undefined);
    await eventually(isMissing, 'the client to be not ready');
  });

  it('a credential that is rotated is used from the reload on, and the one before may then be revoked', async () => {
    const { fleet } = used;
    const old = readFileSync(join(fleet.folder, 'client.secret'), 'utf8').split(':')[0] ?? '';
    const file = await fleet.credential('renewed', 'client');
    const bearer = fleet.bearer('client');
    const [before] = await clientLinks(fleet);
    await fleet.set('client', { 'client.credentialFile': file });
    await eventually(async () => {
      const links = await clientLinks(fleet);
      return links.length === 1 && links[0]?.remote !== before?.remote ? true : undefined;
    }, 'one link, with the new credential');
    await fleet.revoke(old);
    await eventually(
      async () => ((await dialledLink(fleet, bearer)) === 401 ? true : undefined),
      'the server to know of it',
    );
    assert.equal((await visit(fleet.url)).status, 200);
    // Those that were dialled here before the server knew take a moment to end.
    const isAlone = async () => ((await clientLinks(fleet)).length === 1 ? true : undefined);
    await eventually(isAlone, 'the link with the new credential alone');
  });
});
