import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { CloseCode, CREDENTIAL_FOR_CLIENT, CREDENTIAL_FOR_ENTRY, CREDENTIAL_REVOKED } from './codes.ts';
import { Dialer } from './dialer.ts';
import type { DialEvent } from './dialer.ts';
import { Link } from './link.ts';
import { proxyFor } from './proxy.ts';
import type { Proxy } from './proxy.ts';
import { HELLO_TIMEOUT_MS, helloOf, LIFE, RecordingHandler } from './testing/bench.ts';
import { VirtualClock } from './testing/virtual-clock.ts';
import { Role } from './wire.ts';
import { WS_OPTIONS } from './ws-transport.ts';

const BACKOFF = { minMs: 100, maxMs: 1_000 };

/** Events of something that is not awaited where it is started: taken one after the other. */
class Inbox<T> {
  readonly #items: T[] = [];
  readonly #takers: ((item: T) => void)[] = [];

  put(item: T): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#items.push(item);
    else taker(item);
  }

  async take(): Promise<T> {
    const item = this.#items.shift();
    return item ?? new Promise((resolve) => this.#takers.push(resolve));
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }
}

interface Arrival {
  readonly request: IncomingMessage;
  readonly ws: WebSocket;
}

/** A server that answers every upgrade with `status`, or takes it. */
async function listen(t: TestContext, status = 101) {
  const http = createServer();
  const wss = new WebSocketServer({ ...WS_OPTIONS, noServer: true });
  const arrivals = new Inbox<Arrival>();
  http.on('upgrade', (request, socket, head) => {
    if (status !== 101) socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    else wss.handleUpgrade(request, socket, head, (ws) => arrivals.put({ request, ws }));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => {
    for (const each of wss.clients) each.terminate();
    http.close();
  });
  return { http, arrivals, url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

interface Dialling {
  readonly random?: () => number;
  readonly proxy?: Proxy | null;
  readonly hasOthers?: () => boolean;
}

function dial(t: TestContext, url: string, { random = () => 0.999_999, proxy = null, ...others }: Dialling = {}) {
  const clock = new VirtualClock();
  const events = new Inbox<DialEvent>();
  const links = new Inbox<Link>();
  const dialer: Dialer = new Dialer({
    address: { url, isPrivate: true, tls: () => ({}), proxy },
    credential: { id: 'name', secret: 'secret' },
    clock,
    random,
    backoff: BACKOFF,
    ...others,
    onEvent: (event) => events.put(event),
    makeLink: (transport) => {
      const handler = new RecordingHandler();
      handler.onClosed = (closed, close) => dialer.closed(closed, close);
      const life = { life: LIFE, helloTimeoutMs: HELLO_TIMEOUT_MS };
      const options = { transport, clock, hello: helloOf(Role.CLIENT), peerRole: Role.SERVER, handler, ...life };
      const link = new Link(options);
      links.put(link);
      return link;
    },
  });
  t.after(() => {
    dialer.stop();
    for (const each of dialer.links) each.dead();
  });
  dialer.start();
  return { dialer, clock, events, links };
}

async function lost(events: Inbox<DialEvent>): Promise<number> {
  const event = await events.take();
  assert.ok(event.kind === 'lost', JSON.stringify(event));
  return Math.round(event.retryInMs);
}

describe('a dialer', () => {
  it('asks for /link with its protocol and its credential, and has a link', async (t) => {
    const { url, arrivals } = await listen(t);
    const { dialer, links } = dial(t, `${url}/`);
    const [{ request }, link] = await Promise.all([arrivals.take(), links.take()]);
    assert.equal(request.url, '/link');
    assert.equal(request.headers['sec-websocket-protocol'], 'sallyport');
    assert.equal(request.headers.authorization, 'Bearer name.secret');
    assert.equal(request.headers['sec-websocket-extensions'], undefined);
    assert.equal(dialer.link, link);
  });

  it('dials again after a loss, later each time up to a limit', async (t) => {
    const { url, arrivals } = await listen(t, 503);
    const { clock, events } = dial(t, url);
    const waits: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      waits.push(await lost(events));
      clock.advance(1_000);
    }
    assert.deepEqual(waits, [100, 200, 400, 800, 1_000, 1_000]);
    assert.ok(arrivals.isEmpty);
  });

  it('begins anew after a link that lasted 5 s, not after one that came and went', async (t) => {
    const { url, arrivals } = await listen(t);
    const { dialer, clock, events, links } = dial(t, url);
    const waits: number[] = [];
    for (const lastedMs of [0, 4_999, 5_000, 0]) {
      const [{ ws }] = await Promise.all([arrivals.take(), links.take()]);
      dialer.ready();
      const up = await events.take();
      assert.deepEqual(up, { kind: 'up', isFirst: waits.length === 0 });
      clock.jump(lastedMs);
      ws.close(CloseCode.DONE, '');
      waits.push(await lost(events));
      clock.advance(waits.at(-1)!);
    }
    assert.deepEqual(waits, [100, 200, 100, 200]);
  });

  it('spreads its dials over the whole of the back-off', async (t) => {
    const { url } = await listen(t, 503);
    const { clock, events } = dial(t, url, { random: () => 0 });
    for (let i = 0; i < 3; i += 1) {
      assert.equal(await lost(events), 0);
      clock.advance(0);
    }
  });

  it('dials again when the link is lost, and says why', async (t) => {
    const { url, arrivals } = await listen(t);
    const { dialer, clock, events, links } = dial(t, url);
    const [{ ws }] = await Promise.all([arrivals.take(), links.take()]);
    ws.close(CloseCode.DEAD, 'nothing heard');
    const event = await events.take();
    assert.ok(event.kind === 'lost' && event.reason === 'dead: nothing heard');
    assert.equal(dialer.link, null);
    clock.advance(1_000);
    await links.take();
    assert.notEqual(dialer.link, null);
  });

  it('gives up where dialling again cannot help', async (t) => {
    const refusing = dial(t, (await listen(t, 401)).url);
    const event = await refusing.events.take();
    assert.ok(event.kind === 'fatal' && event.code === 'SP_CREDENTIAL_REFUSED');
    assert.equal(refusing.clock.liveTimers, 0);
    assert.match(event.reason, /credential name \(401\)$/);
    const codes = [
      [CloseCode.SESSION_REFUSED, 'refused', 'SP_SESSION_REFUSED', /credential name does not cover it$/],
      [CloseCode.SESSION_REFUSED, CREDENTIAL_REVOKED, 'SP_CREDENTIAL_REFUSED', /credential name: it was revoked$/],
      [
        CloseCode.SESSION_REFUSED,
        CREDENTIAL_FOR_CLIENT,
        'SP_CREDENTIAL_REFUSED',
        /name: it is for clients, and this is/,
      ],
      [
        CloseCode.SESSION_REFUSED,
        CREDENTIAL_FOR_ENTRY,
        'SP_CREDENTIAL_REFUSED',
        /name: it is for entries, and this is/,
      ],
      [CloseCode.VERSION, '', 'SP_VERSION', /^$/],
    ] as const;
    for (const [code, why, name, told] of codes) {
      const { url, arrivals } = await listen(t);
      const { clock, events, links } = dial(t, url);
      const [{ ws }] = await Promise.all([arrivals.take(), links.take()]);
      ws.close(code, why);
      const fatal = await events.take();
      assert.ok(fatal.kind === 'fatal' && fatal.code === name, JSON.stringify(fatal));
      assert.match(fatal.reason, told);
      assert.equal(clock.liveTimers, 0);
    }
  });

  it('dials again though it is refused, after the longest wait, while another of its part is not', async (t) => {
    let others = true;
    const { dialer, clock, events } = dial(t, (await listen(t, 401)).url, { hasOthers: () => others });
    for (let i = 0; i < 2; i += 1) {
      const event = await events.take();
      assert.ok(event.kind === 'lost' && event.reason.endsWith('credential name (401)'), JSON.stringify(event));
      assert.deepEqual([Math.round(event.retryInMs), dialer.isRefused], [1_000, true]);
      others = i === 0;
      clock.advance(1_000);
    }
    assert.equal((await events.take()).kind, 'fatal');
    assert.equal(clock.liveTimers, 0);
  });

  it('is refused no longer once its server takes it, or is out of reach', async (t) => {
    const server = await listen(t);
    const { dialer, clock, events, links } = dial(t, server.url, { hasOthers: () => true });
    for (const heal of ['ready', 'unreachable'] as const) {
      const [{ ws }] = await Promise.all([server.arrivals.take(), links.take()]);
      ws.close(CloseCode.SESSION_REFUSED, 'refused');
      assert.equal(await lost(events), 1_000);
      assert.ok(dialer.isRefused);
      if (heal === 'unreachable') server.http.close();
      clock.advance(1_000);
      if (heal === 'ready') {
        const [fresh] = await Promise.all([server.arrivals.take(), links.take()]);
        dialer.ready();
        await events.take();
        assert.ok(!dialer.isRefused);
        fresh.ws.close(CloseCode.DONE, '');
      }
      await lost(events);
      assert.ok(!dialer.isRefused);
      clock.advance(1_000);
    }
  });

  it('has a new link beside one that goes away, and closes that once it has no streams', async (t) => {
    const { url, arrivals } = await listen(t);
    const { dialer, clock, links } = dial(t, url);
    const [{ ws }, old] = await Promise.all([arrivals.take(), links.take()]);
    dialer.replace(old);
    dialer.replace(old);
    assert.equal(dialer.link, null);
    assert.deepEqual(dialer.links, [old]);
    clock.advance(900);
    const fresh = await links.take();
    assert.equal(dialer.link, fresh);
    assert.deepEqual(dialer.links, [fresh, old]);
    const closed = once(ws, 'close');
    clock.advance(100);
    assert.equal((await closed)[0], CloseCode.REPLACED);
    assert.deepEqual(dialer.links, [fresh]);
  });

  it('leaves a proxy that says nothing when it is stopped', async (t) => {
    const silent = createTcpServer((socket) => socket.on('error', () => {}).resume());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => void silent.close());
    const env = { HTTP_PROXY: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` };
    const asked = once(silent, 'connection') as Promise<[Socket]>;
    const { dialer } = dial(t, 'ws://server.test:1', { proxy: proxyFor(new URL('ws://server.test:1'), env) });
    const [socket] = await asked;
    const cut = once(socket, 'close', { signal: AbortSignal.timeout(30_000) });
    dialer.stop();
    await cut;
  });

  it('dials no more once it is stopped', async (t) => {
    const { url } = await listen(t, 503);
    const { dialer, clock, events } = dial(t, url);
    await lost(events);
    dialer.stop();
    assert.equal(clock.liveTimers, 0);
    clock.advance(10_000);
    assert.ok(events.isEmpty);
  });
});
