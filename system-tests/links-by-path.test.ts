/** Links by a path of the entry's TLS port: for clients and entries that reach no other port of the public edge. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { MemoryCredentials } from '@sallyport/credentials';
import { opensslIsThere, TestAuthority } from '../apps/proxy-entry/src/testing/authority.ts';
import { writeHpack } from '../apps/proxy-entry/src/testing/hpack.ts';
import { eventually, within } from './harness/deadline.ts';
import { answerOn, Flag, Http2Peer, Type } from './harness/h2.ts';
import { scrape, total } from './harness/metrics.ts';
import { SHAPES, startStack } from './harness/stack.ts';
import { visit } from './harness/visit.ts';
import { dial, valuesOf, Wire } from './harness/wire.ts';
import { startConnectProxy } from './links/connect-proxy.ts';
import { edgeSettings, LINK_PATH, startBalancer, startEdge } from './links/edge.ts';
import type { Edge } from './links/edge.ts';
import { startBackend, startClient, startEntry, startSecureServer } from './links/secure-server.ts';
import type { SecureServer } from './links/secure-server.ts';

const skip = opensslIsThere() ? {} : { skip: 'openssl is absent' };
const PROXY_LINE = `Basic ${Buffer.from('me:hunter2').toString('base64')}`;
const UNAUTHORIZED = 'HTTP/1.1 401 Unauthorized';
/** Another link is dialled, the streams of the one before end, and then the process. */
const LEAVING_MS = 60_000;
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: sallyport\r\n';

interface LinkView {
  readonly remote: string;
  readonly session?: string;
}

async function linksOf({ running }: SecureServer): Promise<LinkView[]> {
  const response = await fetch(`${running.adminUrl}/api/links`, { headers: { Connection: 'close' } });
  return (await response.json()) as LinkView[];
}

function secureSocket(t: TestContext, port: number, ca: string, changes: ConnectionOptions = {}): TLSSocket {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca, ...changes });
  t.after(() => socket.destroy());
  return socket;
}

/** A connection to the TLS port of an edge. `stays`: it does not end when the other side has. */
async function dialEdge(t: TestContext, port: number, ca: string, stays = false): Promise<Wire> {
  const socket = secureSocket(t, port, ca);
  socket.allowHalfOpen = stays;
  const wire = new Wire(socket);
  await within(once(socket, 'secureConnect'), 'a handshake with the edge');
  return wire;
}

/** What a request for the path of links is answered with. */
async function asked(wire: Wire, more: string, path = LINK_PATH) {
  wire.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`);
  return wire.readHead();
}

async function hello(url: string): Promise<void> {
  const ask = async () => ((await visit(url).catch(() => null))?.body.toString() === 'hello' ? true : undefined);
  await eventually(ask, 'an answer through the link');
}

/** Answers when it is told to, with what it was sent. */
async function startSlowBackend(t: TestContext) {
  const held: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/held') held.push(response);
    else request.pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, held };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function passing({ admin }: Edge): Promise<number> {
  return total(await scrape(admin), 'sallyport_passing_links');
}

void describe('a link by the path of the TLS port', skip, () => {
  it('carries requests both ways, and the server knows for whom', async (t) => {
    const server = await startSecureServer(t);
    const edge = await startEdge(t, server);
    const { url: backend } = await startSlowBackend(t);
    await startClient(t, server, backend, { url: edge.linkUrl }).event('ready');
    const body = randomBytes(3_000_000);
    const { body: echo } = await visit(`${edge.url}/session/demo/`, { method: 'POST', body });
    assert.equal(sha256(echo), sha256(body));
    const client = (await linksOf(server)).find(({ session }) => session === 'demo');
    assert.match(client!.remote, /^127\.0\.0\.1:\d+ for 127\.0\.0\.1$/);
    assert.equal(await passing(edge), 1);
  });

  it('is found through an HTTP proxy, and carries the uplink of another entry as well', async (t) => {
    const server = await startSecureServer(t);
    const edge = await startEdge(t, server);
    const proxy = await startConnectProxy(t, { authorization: PROXY_LINE });
    const environment = { HTTPS_PROXY: `http://me:hunter2@127.0.0.1:${proxy.port}` };
    const dialling = { url: `wss://edge.test:${edge.tlsPort}/edge`, environment };
    const client = startClient(t, server, await startBackend(t), dialling);
    const remote = startEntry(t, server, dialling);
    const { url } = await remote.event<{ url: string }>('ready');
    await Promise.all([client.event('ready'), remote.event('link-up')]);
    assert.deepEqual(new Set(proxy.asked), new Set([`edge.test:${edge.tlsPort} ${PROXY_LINE}`]));
    await hello(`${url}/session/demo/`);
    assert.equal(await passing(edge), 2);
  });

  it('is refused by the server alone where the credential is none, which ends the client', async (t) => {
    const server = await startSecureServer(t);
    const other = await startSecureServer(t);
    const edge = await startEdge(t, server);
    const set = [`link.caFile=${server.authority.caFile}`];
    const stranger = startClient(t, other, 'http://127.0.0.1:1', { url: edge.linkUrl, set });
    assert.equal((await within(stranger.ended, 'the client to end')).code, 2);
    assert.match(stranger.stderr, /refused the credential/);
    const wire = await dialEdge(t, edge.tlsPort, server.authority.ca);
    const { first, fields } = await asked(wire, `${UPGRADE}Authorization: Bearer a.b\r\n`);
    assert.equal(first, UNAUTHORIZED);
    assert.deepEqual(valuesOf(fields, 'www-authenticate'), ['Bearer']);
    assert.equal((await wire.readAll()).how, 'end');
    assert.equal(await passing(edge), 0);
  });

  it('is at that path, over TLS, by HTTP/1.1 alone: all else is a request like any other', async (t) => {
    const server = await startSecureServer(t);
    const edge = await startEdge(t, server);
    const { ca } = server.authority;
    for (const path of ['/link', `${LINK_PATH}/`, `${LINK_PATH}?a`, '/edge/%6cink']) {
      const { first } = await asked(await dialEdge(t, edge.tlsPort, ca), UPGRADE, path);
      assert.equal(first, 'HTTP/1.1 404 Not Found', path);
    }
    const plain = await dial(edge.url);
    assert.equal((await asked(plain, UPGRADE)).first, 'HTTP/1.1 404 Not Found');
    plain.close();
    const peer = new Http2Peer(secureSocket(t, edge.tlsPort, ca, { ALPNProtocols: ['h2'] }));
    const where = [':scheme', 'https', ':authority', 'localhost', ':path', LINK_PATH];
    const block = writeHpack([':method', 'CONNECT', ':protocol', 'websocket', ...where]);
    peer.send(Type.HEADERS, Flag.END_HEADERS, 1, block);
    assert.equal((await answerOn(peer, 1)).status, '404');
    assert.deepEqual((await linksOf(server)).length, 1, 'the uplink of the entry itself');
  });

  it('has a limit of its own, which is no limit of visitors, nor theirs of links', async (t) => {
    const server = await startSecureServer(t);
    const edge = await startEdge(t, server, ['entry.tls.maxLinks=1', 'entry.connections=1']);
    await startClient(t, server, await startBackend(t), { url: edge.linkUrl }).event('ready');
    await hello(`${edge.url}/session/demo/`);
    const visitors = async () => total(await scrape(edge.admin), 'sallyport_visitor_connections');
    await eventually(async () => ((await visitors()) === 0 ? true : undefined), 'the visitor to have gone');
    const second = await dialEdge(t, edge.tlsPort, server.authority.ca);
    const { first, fields } = await asked(second, UPGRADE);
    assert.equal(first, 'HTTP/1.1 503 Service Unavailable');
    assert.equal(valuesOf(fields, 'retry-after').length, 1);
    assert.match((await second.readAll()).bytes.toString(), /"SP_OVERLOADED"/);
    const metrics = await scrape(edge.admin);
    assert.equal(total(metrics, 'sallyport_limit_hits_total', 'limit="links"'), 1);
    assert.equal(total(metrics, 'sallyport_passing_links'), 1);
    await hello(`${edge.url}/session/demo/`);
  });

  it('is not made with a server that wants certificates: that of the entry is for its own links', async (t) => {
    const server = await startSecureServer(t, { asksForCertificates: true });
    const { certFile, keyFile } = server.issue('edge-part');
    const edge = await startEdge(t, server, [`link.certificateFile=${certFile}`, `link.keyFile=${keyFile}`]);
    const wire = await dialEdge(t, edge.tlsPort, server.authority.ca);
    assert.equal((await asked(wire, UPGRADE)).first, 'HTTP/1.1 503 Service Unavailable');
  });

  it('goes to the next server where one is not there, or is none', async (t) => {
    const server = await startSecureServer(t);
    const none = createServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
    await once(none, 'listening');
    t.after(() => none.close());
    const notOurs = `ws://127.0.0.1:${(none.address() as AddressInfo).port}`;
    for (const other of ['ws://127.0.0.1:1', notOurs]) {
      const edge = await startEdge(t, server, [], [other]);
      // For one credential or another each is asked first.
      for (let i = 0; i < 8; i += 1) {
        const wire = await dialEdge(t, edge.tlsPort, server.authority.ca);
        assert.equal((await asked(wire, `${UPGRADE}Authorization: Bearer ${i}.b\r\n`)).first, UNAUTHORIZED);
      }
    }
  });

  it('gets 503 where no server is there, and is dialled again once one is', async (t) => {
    const server = await startSecureServer(t);
    const edge = await startEdge(t, server);
    await server.running.stop();
    const wire = await dialEdge(t, edge.tlsPort, server.authority.ca);
    assert.equal((await asked(wire, UPGRADE)).first, 'HTTP/1.1 503 Service Unavailable');
    assert.match((await wire.readAll()).bytes.toString(), /"SP_NO_SERVER"/);
  });

  it('ends with its server’s also where its dialler does not', async (t) => {
    const server = await startSecureServer(t);
    const edge = await startEdge(t, server);
    const wire = await dialEdge(t, edge.tlsPort, server.authority.ca, true);
    const [id, secret] = readFileSync(server.credentialFile('client'), 'utf8').trim().split(':');
    const { first } = await asked(wire, `${UPGRADE}Authorization: Bearer ${id}.${secret}\r\n`);
    assert.equal(first, 'HTTP/1.1 101 Switching Protocols');
    assert.equal(await passing(edge), 1);
    await server.running.stop();
    await eventually(async () => ((await passing(edge)) === 0 ? true : undefined), 'the passing link to end');
  });

  it('ends with its server’s end, and with its dialler’s', async (t) => {
    const server = await startSecureServer(t);
    const edge = await startEdge(t, server);
    const backend = await startBackend(t);
    const dead = startClient(t, server, backend, { url: edge.linkUrl });
    await dead.event('ready');
    dead.signal('SIGKILL');
    const isGone = async () => ((await linksOf(server)).length === 1 ? true : undefined);
    await eventually(isGone, 'the link of the killed client to end at the server');
    const client = startClient(t, server, backend, { url: edge.linkUrl });
    await client.event('ready');
    await server.running.stop();
    await client.event('link-lost');
    await eventually(async () => ((await passing(edge)) === 0 ? true : undefined), 'the passing link to end');
  });
});

void describe('an entry that drains while links pass', skip, () => {
  it('has them dialled anew elsewhere; what runs on them finishes, and nothing new is lost', async (t) => {
    const server = await startSecureServer(t);
    const [leaving, staying] = [await startEdge(t, server), await startEdge(t, server)];
    const balancer = await startBalancer(t, leaving.tlsPort);
    const backend = await startSlowBackend(t);
    const url = `wss://localhost:${balancer.port}/edge`;
    await startClient(t, server, backend.url, { url }).event('ready');
    const held = visit(`${staying.url}/session/demo/held`, { limitMs: LEAVING_MS });
    await eventually(async () => (backend.held.length === 1 ? true : undefined), 'a request at the backend');

    balancer.target = staying.tlsPort;
    leaving.command.signal('SIGTERM');
    await eventually(async () => ((await passing(staying)) === 1 ? true : undefined), 'the link by the other entry');
    const answer = await visit(`${staying.url}/session/demo/now`, { method: 'POST', body: 'now' });
    assert.equal(answer.body.toString(), 'now');
    const links = async () => (await linksOf(server)).filter(({ session }) => session === 'demo').length;
    await eventually(async () => ((await links()) === 2 ? true : undefined), 'both links');

    backend.held[0]!.end('then');
    assert.equal((await held).body.toString(), 'then');
    assert.deepEqual(await within(leaving.command.ended, 'the end of the entry', LEAVING_MS), {
      code: 0,
      signal: null,
    });
  });
});

void describe('a link that is dialled anew', skip, () => {
  it('comes to the server that had it, by whatever entry it comes', async (t) => {
    const credentials = new MemoryCredentials();
    const servers = [await startSecureServer(t, { credentials, isPlain: true })];
    servers.push(await startSecureServer(t, { credentials, isPlain: true }));
    const urls = servers.map(({ port }) => `ws://127.0.0.1:${port}`);
    const [server] = servers;
    const edges = await Promise.all(
      [urls, urls.toReversed()].map(async (url) => {
        const command = startEntry(t, server!, { url, set: edgeSettings(server!) });
        const { tls, admin } = await command.event<{ tls: string; admin: string }>('ready');
        return { command, admin, port: Number(new URL(tls).port) };
      }),
    );
    const balancer = await startBalancer(t, edges[0]!.port);
    const url = `wss://localhost:${balancer.port}/edge`;
    await startClient(t, server!, await startBackend(t), { url }).event('ready');
    // Which of the two, once for each link.
    const holders = async () => {
      const links = await Promise.all(servers.map(linksOf));
      return links.flatMap((each, i) => each.filter(({ session }) => session === 'demo').map(() => i));
    };
    const before = await holders();
    assert.equal(before.length, 1);
    balancer.target = edges[1]!.port;
    edges[0]!.command.signal('SIGTERM');
    const arrived = async () =>
      total(await scrape(edges[1]!.admin), 'sallyport_passing_links') === 1 ? true : undefined;
    await eventually(arrived, 'the link by the other entry');
    await within(edges[0]!.command.ended, 'the end of the entry', LEAVING_MS);
    await eventually(async () => ((await holders()).length === 1 ? true : undefined), 'the link before to be gone');
    assert.deepEqual(await holders(), before);
  });
});

void describe('the path of links of a whole stack', skip, () => {
  for (const { shape, isSplit } of SHAPES) {
    it(`leads to its server (${shape})`, async (t) => {
      const authority = new TestAuthority();
      t.after(() => authority.remove());
      const stack = await startStack({ isSplit, set: edgeSettings({ authority }) });
      t.after(() => stack.command.stop());
      const port = Number(new URL(stack.tls!).port);
      const link = await dialEdge(t, port, authority.ca);
      assert.equal((await asked(link, UPGRADE)).first, UNAUTHORIZED);
      const question = await dialEdge(t, port, authority.ca);
      assert.equal((await asked(question, '')).first, 'HTTP/1.1 426 Upgrade Required');
    });
  }
});
