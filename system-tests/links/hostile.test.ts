/** Links by a path of the entry's TLS port, with somebody there who means no good or does not answer. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import { opensslIsThere } from '../../apps/proxy-entry/src/testing/authority.ts';
import type { Command } from '../harness/command.ts';
import { eventually, within } from '../harness/deadline.ts';
import { scrape, total } from '../harness/metrics.ts';
import { quietPort } from '../harness/port.ts';
import { Wire } from '../harness/wire.ts';
import { edgeSettings, LINK_PATH, startEdge } from './edge.ts';
import { startBackend, startClient, startEntry, startSecureServer } from './secure-server.ts';
import type { SecureServer } from './secure-server.ts';

const skip = opensslIsThere() ? {} : { skip: 'openssl is absent' };
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: sallyport\r\n';
const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n';
/** As many as may be asked for at once. */
const MAX_ASKS = 64;
/** For many at once to come in, on a machine that is held up. */
const PATIENT = ['entry.headTimeoutMs=600000', 'entry.tls.handshakeTimeoutMs=600000'];

/** A connection to the TLS port; it stays open when the other side ends. */
async function dialEdge(t: TestContext, { authority }: SecureServer, port: number): Promise<Wire> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.ca });
  t.after(() => socket.destroy());
  socket.allowHalfOpen = true;
  const wire = new Wire(socket);
  await within(once(socket, 'secureConnect'), 'a handshake with the edge');
  return wire;
}

function sendAsk(wire: Wire, more: string): void {
  wire.send(`GET ${LINK_PATH} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`);
}

/** One that has asked for a link. */
async function ask(t: TestContext, server: SecureServer, port: number, more = UPGRADE): Promise<Wire> {
  const wire = await dialEdge(t, server, port);
  sendAsk(wire, more);
  return wire;
}

function bearer(i: number): string {
  return `${UPGRADE}Authorization: Bearer ${i}.b\r\n`;
}

/** What listens where a server should. `head`: what it was sent first. */
async function startOther(t: TestContext, onAsked: (socket: Socket, head: string) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('data', (head) => onAsked(socket, String(head)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface AccessLine {
  readonly msg: string;
  readonly status: number;
  readonly target: string;
  readonly remote: string;
  readonly code?: string;
}

function accessLines({ lines }: Command): AccessLine[] {
  const said = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as AccessLine);
  return said.filter(({ msg }) => msg === 'request');
}

void describe('the path of links', skip, () => {
  it('is the entry’s on a host that leads to a session: no backend sees a credential of ours', async (t) => {
    const server = await startSecureServer(t);
    const seen: string[] = [];
    const spy = createHttpServer((request, response) => {
      seen.push(`${request.url}`);
      response.end('hello');
    });
    spy.on('upgrade', (request, socket) => {
      seen.push(`${request.url} ${request.headers.authorization}`);
      socket.destroy();
    });
    spy.listen(0, '127.0.0.1');
    await once(spy, 'listening');
    t.after(() => {
      spy.close();
      spy.closeAllConnections();
    });
    const edge = await startEdge(t, server, ['entry.hosts={"localhost":"demo"}']);
    const tenant = `http://127.0.0.1:${(spy.address() as AddressInfo).port}`;
    await startClient(t, server, tenant, { url: `wss://127.0.0.1:${server.port}` }).event('ready');
    await startClient(t, server, await startBackend(t), { url: edge.linkUrl }).event('ready');
    const other = await ask(t, server, edge.tlsPort, 'Connection: close\r\n');
    assert.equal((await other.readHead()).first, 'HTTP/1.1 426 Upgrade Required');
    assert.deepEqual(seen, []);
  });

  it('is told of and counted: an ask that is refused, one that loops, and a link that opens', async (t) => {
    const server = await startSecureServer(t);
    const edge = await startEdge(t, server);
    const [id, secret] = readFileSync(server.credentialFile('client'), 'utf8').trim().split(':');
    const asks = [
      [`${UPGRADE}Authorization: Bearer ${id}.${secret}\r\n`, 101],
      [`${UPGRADE}Authorization: Bearer a.b\r\n`, 401],
      [`${UPGRADE}Via: 1.1 elsewhere, 1.1 sallyport-local\r\n`, 508],
    ] as const;
    for (const [more, status] of asks) {
      const { first } = await (await ask(t, server, edge.tlsPort, more)).readHead();
      assert.match(first, new RegExp(`^HTTP/1\\.1 ${status} `));
    }
    const lines = await eventually(async () => {
      const told = accessLines(edge.command);
      return told.length >= asks.length ? told : undefined;
    }, 'a line for each');
    assert.deepEqual(
      lines.map(({ status, target, remote, code }) => [status, target, remote, code]),
      [
        [101, LINK_PATH, '127.0.0.1', undefined],
        [401, LINK_PATH, '127.0.0.1', undefined],
        [508, LINK_PATH, '127.0.0.1', 'SP_LOOP'],
      ],
    );
    assert.ok(!edge.command.stderr.includes(secret!));
    const metrics = await scrape(edge.admin);
    for (const [, status] of asks) assert.equal(total(metrics, 'sallyport_requests_total', `code="${status}"`), 1);
    assert.equal(total(metrics, 'sallyport_refused_total', 'code="SP_LOOP"'), 1);
    assert.equal(total(metrics, 'sallyport_slo_events_total'), 0);
  });

  it('does not go round in an entry whose server is itself', async (t) => {
    const server = await startSecureServer(t);
    const port = await quietPort();
    const set = edgeSettings(server).map((each) => each.replace('entry.tls.port=0', `entry.tls.port=${port}`));
    const entry = startEntry(t, server, { url: `wss://localhost:${port}/edge`, set });
    const { admin } = await entry.event<{ admin: string }>('ready');
    const wire = await ask(t, server, port);
    assert.equal((await wire.readHead()).first, 'HTTP/1.1 508 Loop Detected');
    await eventually(
      async () => (total(await scrape(admin), 'sallyport_passing_links') === 0 ? true : undefined),
      'nothing to pass',
    );
  });

  it('is free for others while a server does not answer: few may wait for it, and it is asked last from then on', async (t) => {
    const server = await startSecureServer(t);
    const silent = await startOther(t, () => {});
    const edge = await startEdge(t, server, ['entry.tls.maxLinks=65', ...PATIENT], [silent]);
    await startClient(t, server, await startBackend(t), { url: edge.linkUrl }).event('ready');
    // For about half of these the silent one is the first.
    const waiting = await Promise.all(Array.from({ length: 4 * MAX_ASKS }, () => dialEdge(t, server, edge.tlsPort)));
    for (const [i, wire] of waiting.entries()) sendAsk(wire, bearer(i));
    const firsts = await Promise.all(waiting.map(async (wire) => (await wire.readHead()).first));
    const statuses = new Set(firsts.map((first) => first.split(' ')[1]));
    assert.deepEqual(statuses, new Set(['401', '503']));
    const metrics = await scrape(edge.admin);
    assert.ok(total(metrics, 'sallyport_limit_hits_total', 'limit="link-asks"') > 0);
    assert.equal(total(metrics, 'sallyport_limit_hits_total', 'limit="links"'), 0);
    assert.equal(total(metrics, 'sallyport_passing_links'), 1);
    // Nobody waits for the silent one any more.
    const later = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(t, server, edge.tlsPort, bearer(i))));
    const answers = await Promise.all(later.map(async (wire) => (await wire.readHead()).first));
    assert.deepEqual(new Set(answers), new Set(['HTTP/1.1 401 Unauthorized']));
  });

  it('opens no more links than may pass, though more were asked for at one time', async (t) => {
    const server = await startSecureServer(t);
    const asking: Socket[] = [];
    const slow = await startOther(t, (socket, head) => {
      // The entry dials as well, for itself.
      if (head.includes('Bearer x.y')) asking.push(socket);
      if (asking.length === 2) for (const each of asking) each.write(SWITCHED);
    });
    const entry = startEntry(t, server, { url: slow, set: [...edgeSettings(server), 'entry.tls.maxLinks=1'] });
    const { tls, admin } = await entry.event<{ tls: string; admin: string }>('ready');
    const more = `${UPGRADE}Authorization: Bearer x.y\r\n`;
    const wires = await Promise.all([1, 2].map(() => ask(t, server, Number(new URL(tls).port), more)));
    const firsts = await Promise.all(wires.map(async (wire) => (await wire.readHead()).first));
    assert.deepEqual(
      new Set(firsts),
      new Set(['HTTP/1.1 101 Switching Protocols', 'HTTP/1.1 503 Service Unavailable']),
    );
    const metrics = await scrape(admin);
    assert.equal(total(metrics, 'sallyport_passing_links'), 1);
    assert.equal(total(metrics, 'sallyport_limit_used', 'limit="link-asks"'), 0);
    assert.equal(total(metrics, 'sallyport_limit_hits_total', 'limit="links"'), 1);
  });

  it('lets go of a link whose dialler has ended, though its server never does', async (t) => {
    const server = await startSecureServer(t);
    const wedged = await startOther(t, (socket) => socket.write(SWITCHED));
    const entry = startEntry(t, server, { url: wedged, set: edgeSettings(server) });
    const { tls, admin } = await entry.event<{ tls: string; admin: string }>('ready');
    const wire = await ask(t, server, Number(new URL(tls).port));
    assert.equal((await wire.readHead()).first, 'HTTP/1.1 101 Switching Protocols');
    const passing = async () => total(await scrape(admin), 'sallyport_passing_links');
    assert.equal(await passing(), 1);
    wire.finish();
    await eventually(async () => ((await passing()) === 0 ? true : undefined), 'the passing link to end');
  });
});
