import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { CloseCode, StreamCode, systemClock, WindowBudget } from '@sallyport/protocol';
import type { DialEvent } from '@sallyport/protocol';
import { HELLO_TIMEOUT_MS, LIFE } from '../../../packages/protocol/src/testing/bench.ts';
import { SessionClient } from './session-client.ts';
import type { SessionClientOptions } from './session-client.ts';
import { SessionQuota } from './session-quota.ts';
import type { SessionLimits } from './session-quota.ts';
import { OPTIONS } from './testing/answer.ts';
import { FakeBackend } from './testing/fake-backend.ts';
import { listenLinks, until } from './testing/link-server.ts';
import type { AskedOver, ServedLink } from './testing/link-server.ts';

/** Nothing here waits; this is for what never comes. */
const CEILING_MS = 60_000;
const MIB = 1024 * 1024;

interface Bench {
  readonly client: SessionClient;
  readonly backend: FakeBackend;
  readonly limits: string[];
  readonly events: DialEvent[];
}

type Changes = Partial<
  SessionClientOptions & Pick<SessionLimits, 'concurrency' | 'maxLongStreams'> & { readonly isLessor: boolean }
>;

function limitsOf({ concurrency = 2, maxLongStreams = 10 }: Changes): SessionLimits {
  const { connectTimeoutMs, headTimeoutMs, idleTimeoutMs, connections } = OPTIONS;
  return {
    concurrency,
    maxLongStreams,
    reconnect: { minMs: 1, maxMs: 1 },
    backend: { connectTimeoutMs, headTimeoutMs, idleTimeoutMs, connections },
  };
}

function newClient(t: TestContext, urls: readonly string[], changes: Changes = {}): Bench {
  const backend = new FakeBackend();
  const limits: string[] = [];
  const events: DialEvent[] = [];
  const client = new SessionClient({
    session: 's',
    servers: urls.map((url) => ({ url, isPrivate: true, tls: () => ({}), proxy: null })),
    credential: { id: 'id', secret: 'secret' },
    instance: 'client',
    deployment: 'd',
    quota: new SessionQuota(limitsOf(changes)),
    linksPerServer: 1,
    life: LIFE,
    helloTimeoutMs: HELLO_TIMEOUT_MS,
    clock: systemClock,
    random: () => 0,
    budget: new WindowBudget(64 * MIB),
    maxWindowBytes: 8 * MIB,
    backend,
    backendName: 'http://backend.test',
    hostField: null,
    observer: {
      limitHit: (limit) => limits.push(limit),
      backendTook: () => {},
      dial: (_session, _server, event) => events.push(event),
      backendFailed: () => {},
    },
    ...changes,
  });
  t.after(() => client.close());
  if (changes.isLessor !== false) client.quota.leaseBy(client);
  client.start();
  return { client, backend, limits, events };
}

/** A client with one link to a server, which has accepted it. */
async function connected(t: TestContext, changes: Changes = {}): Promise<Bench & { server: ServedLink }> {
  const { url, links } = await listenLinks(t);
  const bench = newClient(t, [url], changes);
  await until(() => links[0]?.link.isReady === true);
  const server = links[0]!;
  server.accept();
  await until(() => bench.events.length > 0);
  return { ...bench, server };
}

describe('a session’s client', { timeout: CEILING_MS }, () => {
  it('leases its concurrency, divided among all its links', async (t) => {
    const servers = [await listenLinks(t), await listenLinks(t)];
    const urls = servers.map(({ url }) => url);
    newClient(t, urls, { concurrency: 7, linksPerServer: 2 });
    const links = () => servers.flatMap((server) => server.links);
    await until(() => links().length === 4 && links().every(({ link }) => link.isReady));
    const leases = links().map(({ hello }) => hello.leases);
    assert.deepEqual(
      leases.sort((a, b) => a - b),
      [1, 2, 2, 2],
    );
    assert.deepEqual(new Set(links().map(({ hello }) => hello.session)), new Set(['s']));
  });

  it('is up when the server has accepted its session, not before', async (t) => {
    const { url, links } = await listenLinks(t);
    const { client, events } = newClient(t, [url]);
    await until(() => links[0]?.link.isReady === true && client.isConnected);
    assert.deepEqual(events, []);
    links[0]!.accept();
    links[0]!.accept();
    await until(() => events.length > 0);
    assert.deepEqual(events, [{ kind: 'up', isFirst: true }]);
  });

  it('that is refused its session dials no more', async (t) => {
    const { url } = await listenLinks(t, CloseCode.SESSION_REFUSED);
    const { events } = newClient(t, [url]);
    await until(() => events.length > 0);
    assert.equal(events[0]!.kind === 'fatal' && events[0]!.code, 'SP_SESSION_REFUSED');
  });

  it('dials again when its link is lost, and leases anew', async (t) => {
    const { url, links } = await listenLinks(t);
    const { backend, client } = newClient(t, [url]);
    await until(() => links[0]?.link.isReady === true);
    links[0]!.ask();
    await until(() => backend.calls.length === 1);
    links[0]!.socket.destroy();
    await until(() => links[1]?.link.isReady === true);
    assert.ok(backend.call.isCancelled);
    backend.call.fails(StreamCode.CANCELLED);
    links[1]!.ask();
    await until(() => backend.calls.length === 2);
    backend.call.answers(204);
    backend.call.ends();
    await until(() => links[1]!.handler.slots.length > 0);
    // That of the lost link is not counted on the new one.
    assert.equal(links[1]!.handler.slots.at(-1)?.returned, 1);
    assert.equal(client.quota.slots.activeCount, 0);
  });
});

describe('the slots of a client', { timeout: CEILING_MS }, () => {
  it('are given back one by one, counted since the link began', async (t) => {
    const { server, backend, client } = await connected(t);
    for (let i = 1; i <= 3; i += 1) {
      const asked = server.ask();
      await until(() => backend.calls.length === i);
      assert.deepEqual([client.quota.slots.activeCount, client.quota.freeSlots], [1, 1]);
      backend.call.answers(200);
      backend.call.ends();
      await until(() => server.handler.slots.length === i && asked.told.includes('end'));
      assert.deepEqual(server.handler.slots.at(-1), { leases: 2, returned: i, waiting: 0 });
      assert.deepEqual([asked.told, asked.status], [['head 200', 'end'], 200]);
      await until(() => client.quota.slots.activeCount === 0);
    }
  });

  it('are not exceeded: an OPEN beyond them is refused, not started, and its lease given back', async (t) => {
    const { server, backend, limits } = await connected(t);
    for (let i = 0; i < 2; i += 1) server.ask();
    const refused = server.ask();
    await until(() => refused.told.length > 0 && server.handler.slots.length > 0);
    assert.deepEqual(refused.told, [`cut ${StreamCode.OVERLOADED} not-started`]);
    assert.equal(backend.calls.length, 2);
    assert.deepEqual(limits, ['slots']);
    assert.equal(server.handler.slots.at(-1)?.returned, 1);
  });

  it('are given back for a head that HTTP does not allow, which the backend never sees', async (t) => {
    const { server, backend } = await connected(t);
    for (const strings of [['GET', '/', 'Bad Name', '1'], ['GET', '/a#b'], ['GET', '/', 'X', 'a\nb'], ['GET']]) {
      const before = server.handler.slots.length;
      const asked = server.ask(strings);
      await until(() => asked.told.length > 0 && server.handler.slots.length > before);
      const code = strings.length === 1 ? StreamCode.PROTOCOL : StreamCode.BAD_HEAD;
      assert.deepEqual(asked.told, [`cut ${code} not-started`]);
    }
    assert.equal(backend.calls.length, 0);
  });
});

describe('the limits of a session', { timeout: CEILING_MS }, () => {
  it('change on links that are open, and what runs beyond lower ones ends by itself', async (t) => {
    const { server, backend, client } = await connected(t, { concurrency: 2 });
    for (let i = 0; i < 2; i += 1) server.ask();
    await until(() => backend.calls.length === 2);
    client.quota.configure(limitsOf({ concurrency: 1 }));
    await until(() => server.handler.slots.at(-1)?.leases === 1);
    // It left before the server knew.
    const crossed = server.ask();
    backend.calls[0]!.answers(204);
    backend.calls[0]!.ends();
    await until(() => server.handler.slots.at(-1)?.returned === 1);
    assert.deepEqual([backend.calls.length, crossed.told], [2, []]);
    backend.calls[1]!.answers(204);
    backend.calls[1]!.ends();
    await until(() => backend.calls.length === 3);
    backend.call.answers(204);
    backend.call.ends();
    await until(() => crossed.told.length > 0);
    client.quota.configure(limitsOf({ concurrency: 5 }));
    await until(() => server.handler.slots.at(-1)?.leases === 5);
    assert.deepEqual(server.handler.slots.at(-1), { leases: 5, returned: 3, waiting: 0 });
  });

  it('hold for all its clients together: one leases what the others do not use', async (t) => {
    const first = await connected(t, { concurrency: 3, maxLongStreams: 1 });
    const { quota } = first.client;
    first.server.ask();
    await until(() => first.backend.calls.length === 1);
    first.backend.call.answers(200, 'Content-Type', 'text/event-stream');
    for (let i = 0; i < 2; i += 1) first.server.ask();
    await until(() => first.backend.calls.length === 3);

    const { url, links } = await listenLinks(t);
    const second = newClient(t, [url], { quota, isLessor: false });
    await until(() => links[0]?.link.isReady === true);
    assert.equal(links[0]!.hello.leases, 0);
    links[0]!.accept();
    await until(() => second.events.length > 0);
    quota.leaseBy(second.client);
    await until(() => links[0]!.handler.slots.at(-1)?.leases === 1);
    const refused = links[0]!.ask();
    await until(() => second.backend.calls.length === 1);
    second.backend.call.answers(101);
    await until(() => refused.told.length > 0);
    assert.deepEqual(refused.told, [`cut ${StreamCode.LONG_STREAMS}`]);
    for (const call of first.backend.calls.slice(1)) call.answers(204);
    for (const call of first.backend.calls) call.ends();
    await until(() => links[0]!.handler.slots.at(-1)?.leases === 3);
    assert.equal(quota.longStreams, 0);
  });
});

describe('long streams of a client', { timeout: CEILING_MS }, () => {
  it('hold no slot, and have a limit of their own', async (t) => {
    const { server, client, backend, limits } = await connected(t, { maxLongStreams: 3 });
    const asked: AskedOver[] = [];
    for (let i = 1; i <= 4; i += 1) {
      asked.push(server.ask());
      await until(() => backend.calls.length === i);
      backend.call.answers(200, 'Content-Type', 'text/event-stream');
      await until(() => asked.at(-1)!.told.length > 0);
    }
    assert.deepEqual(asked.at(-1)!.told, [`cut ${StreamCode.LONG_STREAMS}`]);
    assert.deepEqual([client.quota.longStreams, limits], [3, ['long-streams']]);
    backend.calls[0]!.ends();
    assert.equal(client.quota.longStreams, 2);
  });
});

describe('a backend behind a client', { timeout: CEILING_MS }, () => {
  it('counts as down after three failures to connect in a row, until it answers', async (t) => {
    const { server, client, backend } = await connected(t);
    const fail = async (code: StreamCode, isStarted: boolean): Promise<void> => {
      const asked = server.ask();
      const count = backend.calls.length;
      await until(() => backend.calls.length > count);
      backend.call.fails(code, isStarted);
      await until(() => asked.told.length > 0);
    };
    await fail(StreamCode.BACKEND_REFUSED, false);
    await fail(StreamCode.BACKEND_RESET, true);
    await fail(StreamCode.BAD_HEAD, false);
    await fail(StreamCode.BACKEND_TIMEOUT, false);
    assert.ok(client.record.isUp);
    await fail(StreamCode.BACKEND_REFUSED, false);
    assert.ok(!client.record.isUp);
    server.ask();
    const count = backend.calls.length;
    await until(() => backend.calls.length > count);
    backend.call.answers(503);
    assert.ok(client.record.isUp);
  });
});

describe('a client that drains', { timeout: CEILING_MS }, () => {
  it('says so, takes nothing new, and is done when what runs is over', async (t) => {
    const { server, client, backend } = await connected(t);
    const asked = server.ask();
    await until(() => backend.calls.length === 1);
    let isDrained = false;
    const drained = client.drain().then(() => (isDrained = true));
    await until(() => server.handler.goaways.length > 0);
    assert.deepEqual(server.handler.goaways, [StreamCode.DRAINING]);
    assert.ok(!isDrained);
    backend.call.answers(200);
    backend.call.ends();
    await drained;
    await until(() => asked.told.includes('end'));
  });

  it('is done only when the last bytes of its answers have left', async (t) => {
    const { server, client, backend } = await connected(t, { concurrency: 20 });
    const all = Array.from({ length: 20 }, () => server.ask());
    await until(() => backend.calls.length === 20);
    server.socket.pause();
    for (const call of backend.calls) {
      call.answers(200);
      call.says('x'.repeat(16_384));
      call.ends();
    }
    const drained = client.drain().then(() => client.close());
    server.socket.resume();
    await drained;
    await until(() => all.every(({ told }) => told.at(-1) === 'end'));
    for (const { told } of all) assert.deepEqual(told, ['head 200', 'data 16384', 'end']);
  });

  it('is done at once when nothing runs', async (t) => {
    const { client } = await connected(t);
    await client.drain();
  });
});
