import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createSecureServer, createServer as createHttp2Server } from 'node:http2';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createSilentServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { makeCertificates } from '../testing/certificates.ts';
import type { Certificates } from '../testing/certificates.ts';
import type { ArmReport } from '../report/model.ts';
import { NOBODY, TIMING } from '../testing/fixture.ts';
import { runInThread } from '../testing/in-thread.ts';
import { makeArm, makePlan } from '../testing/plans.ts';
import type { ArmPlan, EnginePlan, RequestPlan, TlsPlan } from './plan.ts';

/** Listens on a free port of loopback until the test ends, and cuts what is still connected then. */
async function listen(context: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** 20 requests in 0.4 s over one arm. */
function planFor(url: string, arm: Partial<ArmPlan>, ...requests: Partial<RequestPlan>[]): EnginePlan {
  return makePlan(url, { arms: [{ ...makeArm('tunnel', url, ...requests), ...arm }] });
}

/** All took too long: mostly the answer, on a machine that stalls just then the connection that it was to come on. */
function assertLate({ failed, errors }: ArmReport): void {
  const { timeout = 0, connect_timeout: unopened = 0 } = errors;
  assert.deepEqual([failed, timeout + unopened], [20, 20], JSON.stringify(errors));
  assert.ok(timeout > 0, JSON.stringify(errors));
}

const resuming = (ca: string): TlsPlan => ({ ca, cert: null, key: null, isResuming: true });

/** Answers with the name in the visitor's certificate. */
async function serveTls(context: TestContext, { ca, server }: Certificates, isMutual = false): Promise<string> {
  const https = createHttpsServer({ ...server, ca, requestCert: isMutual }, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    response.end(isMutual ? subject.CN : 'anybody');
  });
  return `https://127.0.0.1:${await listen(context, https)}/`;
}

/** Sends every message back, without its first byte if it is lossy; `paths` are those of its connections. */
async function serveEcho(context: TestContext, isLossy = false): Promise<{ url: string; paths: string[] }> {
  const server = createServer((_, response) => void response.end());
  const paths: string[] = [];
  new WebSocketServer({ server }).on('connection', (socket, request) => {
    paths.push(`${request.url} ${request.headers.authorization ?? ''}`.trim());
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => socket.send(isLossy ? data.subarray(1) : data));
  });
  return { url: `ws://127.0.0.1:${await listen(context, server)}/`, paths };
}

describe('HTTP/2', () => {
  const seen: { method: string; path: string; bytes: number }[] = [];
  const answer = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => {
      seen.push({ method: request.method, path: request.url, bytes });
      response.writeHead(200, { 'server-timing': TIMING });
      response.end('0123456789');
    });
  };

  test('in clear text goes by prior knowledge, many requests to a connection, with bodies and paths in turn', async (context) => {
    const port = await listen(context, createHttp2Server(answer));
    seen.length = 0;
    const requests = [{ method: 'POST', path: '/a', body: { fillBytes: 5 } }, { path: '/b' }];
    const { tunnel, step } = await runInThread(
      planFor(`http://127.0.0.1:${port}/`, { protocol: 'http2' }, ...requests),
    );
    assert.deepEqual([tunnel.ok, tunnel.failed, tunnel.connects, tunnel.bytesIn], [20, 0, 1, 200]);
    assert.equal(
      seen.filter(({ method, path, bytes }) => method === 'POST' && path === '/a' && bytes === 5).length,
      10,
    );
    assert.equal(seen.filter(({ method, path }) => method === 'GET' && path === '/b').length, 10);
    assert.equal(step.hopsMs?.backend.p50, 0.3);
  });

  test('sends each value of a field, and host as the authority', async (context) => {
    const fields = new Set<string>();
    const server = createHttp2Server((request, response) => {
      fields.add(`${request.authority} ${String(request.headers['x-a'])} ${request.headers.cookie}`);
      response.end();
    });
    const headers = ['x-a', '1', 'x-a', '2', 'host', 'a.example', 'cookie', 'a=1; b=2'];
    const url = `http://127.0.0.1:${await listen(context, server)}/`;
    await runInThread(planFor(url, { protocol: 'http2' }, { headers }));
    assert.deepEqual([...fields], ['a.example 1, 2 a=1; b=2']);
  });

  test('over TLS is agreed upon by ALPN, and without that agreement nothing is sent', async (context) => {
    const certificates = makeCertificates(context);
    const server = createSecureServer({ ...certificates.server, allowHTTP1: true }, answer);
    const url = `https://127.0.0.1:${await listen(context, server)}/`;
    const arm = { protocol: 'http2', tls: resuming(certificates.ca) } as const;
    const { tunnel } = await runInThread(planFor(url, arm));
    assert.deepEqual([tunnel.ok, tunnel.connects, tunnel.tlsHandshakes], [20, 1, 1]);

    const old = createHttpsServer({ ...certificates.server, ALPNCallback: () => undefined }, (_, response) => {
      response.end();
    });
    const refused = await runInThread(planFor(`https://127.0.0.1:${await listen(context, old)}/`, arm));
    assert.equal(refused.tunnel.ok, 0);
    assert.equal(refused.tunnel.failed, 20);
  });

  test('opens another connection where one is full, and none waits inside', async (context) => {
    const held: Http2ServerResponse[] = [];
    let answered = 0;
    const server = createHttp2Server({ settings: { maxConcurrentStreams: 4 } }, (_, response) => {
      // The warm-up is for learning that there are four.
      answered += 1;
      if (answered <= 3) response.end('x');
      else held.push(response);
      if (held.length === 20) for (const each of held) each.end('x');
    });
    const url = `http://127.0.0.1:${await listen(context, server)}/`;
    const { tunnel } = await runInThread({ ...planFor(url, { protocol: 'http2' }), warmUpS: 0.06 });
    assert.equal(tunnel.ok, 20);
    assert.equal(tunnel.inFlightMax, 20);
    assert.ok((tunnel.connects ?? 0) >= 2, `${tunnel.connects}`);
  });

  test('goes on elsewhere when the other side says goodbye to a connection', async (context) => {
    const server = createHttp2Server((_, response) => response.end('x'));
    let streams = 0;
    server.on('session', (session) => {
      session.on('stream', () => {
        streams += 1;
        // With the last request of the warm-up: what is on its way when a goodbye comes may be refused.
        if (streams === 10) session.close();
      });
    });
    const url = `http://127.0.0.1:${await listen(context, server)}/`;
    const { tunnel } = await runInThread({ ...planFor(url, { protocol: 'http2' }), warmUpS: 0.2 });
    assert.deepEqual([tunnel.ok, tunnel.connects, streams], [20, 1, 30], JSON.stringify(tunnel.errors));
  });

  test('reports timeouts, resets and closed doors by kind', async (context) => {
    const server = createHttp2Server((request, response) => {
      if (request.url === '/reset') response.stream.close(2);
    });
    const url = `http://127.0.0.1:${await listen(context, server)}/`;
    const silent = await runInThread({ ...planFor(url, { protocol: 'http2' }), timeoutMs: 300 });
    assertLate(silent.tunnel);
    const reset = await runInThread(planFor(url, { protocol: 'http2' }, { path: '/reset' }));
    assert.deepEqual(reset.tunnel.errors, { http2_stream_reset: 20 });
    const shut = await runInThread(planFor(NOBODY, { protocol: 'http2' }));
    assert.deepEqual(shut.tunnel.errors, { connection_refused: 20 });
  });
});

describe('https', () => {
  test('trusts the authority it is given and no other', async (context) => {
    const certificates = makeCertificates(context);
    const url = await serveTls(context, certificates);
    const { tunnel } = await runInThread(planFor(url, { tls: resuming(certificates.ca) }));
    assert.deepEqual([tunnel.ok, tunnel.connects], [20, tunnel.tlsHandshakes]);
    assert.ok((tunnel.connectMs?.max ?? 0) > 0);
    const stranger = await runInThread(planFor(url, { tls: null }));
    assert.equal(stranger.tunnel.failed, 20);
    assert.match(Object.keys(stranger.tunnel.errors).join(), /^tls:|CERT|VERIFY|SIGNATURE/);
  });

  test('shows its own certificate where it has one', async (context) => {
    const { ca, visitor, ...others } = makeCertificates(context);
    const url = await serveTls(context, { ca, visitor, ...others }, true);
    const { tunnel } = await runInThread(planFor(url, { tls: { ca, ...visitor, isResuming: true } }));
    assert.deepEqual([tunnel.ok, tunnel.bytesIn], [20, 20 * 'visitor'.length]);
    const without = await runInThread(planFor(url, { tls: resuming(ca) }));
    assert.equal(without.tunnel.ok, 0);
  });

  test('on fresh connections shakes hands with every request, in full or resuming as the plan says', async (context) => {
    const certificates = makeCertificates(context);
    const url = await serveTls(context, certificates);
    const tls = resuming(certificates.ca);
    const full = await runInThread(planFor(url, { tls: { ...tls, isResuming: false }, connectionUse: 'fresh' }));
    assert.deepEqual([full.tunnel.ok, full.tunnel.tlsHandshakes, full.tunnel.tlsResumed], [20, 20, 0]);
    // The warm-up brings the session that is then resumed.
    const resumed = await runInThread({ ...planFor(url, { tls, connectionUse: 'fresh' }), warmUpS: 0.1 });
    assert.deepEqual([resumed.tunnel.ok, resumed.tunnel.tlsHandshakes, resumed.tunnel.tlsResumed], [20, 20, 20]);
  });

  test('gives up a connection whose handshake does not end, with every protocol', async (context) => {
    const port = await listen(context, createSilentServer());
    for (const protocol of ['http1', 'http2', 'websocket'] as const) {
      const plan = planFor(`https://127.0.0.1:${port}/`, { protocol });
      const { tunnel } = await runInThread({ ...plan, timeoutMs: 200 });
      const kinds = Object.keys(tunnel.errors);
      assert.equal(tunnel.failed, 20, protocol);
      assert.ok(
        kinds.every((kind) => kind === 'connect_timeout' || kind === 'timeout'),
        `${protocol}: ${kinds.join()}`,
      );
    }
  });

  test('refuses a certificate that is none before anything is sent', async () => {
    const tls = { ca: null, cert: 'no PEM', key: 'no PEM', isResuming: true };
    await assert.rejects(runInThread(planFor('https://127.0.0.1:9/', { tls })), /PEM|no start line/i);
  });
});

describe('WebSocket', () => {
  const arm = { protocol: 'websocket' } as const;

  test('sends binary messages on kept connections and times them to their echo', async (context) => {
    const { url, paths } = await serveEcho(context);
    const requests = ['a', 'b'].map((name) => ({
      path: `/${name}`,
      headers: ['authorization', `Bearer ${name}.1`],
      body: { fillBytes: 100 },
    }));
    const { tunnel } = await runInThread(planFor(url, arm, ...requests));
    assert.deepEqual([tunnel.ok, tunnel.bytesIn, tunnel.bytesOut], [20, 2000, 2000]);
    assert.deepEqual(tunnel.statusCodes, { 101: 20 });
    assert.deepEqual(new Set(paths), new Set(['/a Bearer a.1', '/b Bearer b.1']));
    // By path as many connections as were in flight at once, which on a machine that stalls is many.
    assert.ok(paths.length <= 2 * tunnel.inFlightMax, `${paths.length} for ${tunnel.inFlightMax}`);
  });

  test('opens a connection for each message where they are to be fresh', async (context) => {
    const { url, paths } = await serveEcho(context);
    const { tunnel } = await runInThread(planFor(url, { ...arm, connectionUse: 'fresh' }));
    assert.deepEqual([tunnel.ok, tunnel.connects, paths.length], [20, 20, 20]);
  });

  test('takes an echo of another length, a refusal and silence for failures, each by its kind', async (context) => {
    const { url } = await serveEcho(context, true);
    const lossy = await runInThread(planFor(url, arm, { body: { fillBytes: 8 } }));
    assert.deepEqual(lossy.tunnel.errors, { bad_answer: 20 });

    const full = createServer().on('upgrade', (_, socket) => {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nfull');
    });
    const refused = await runInThread(planFor(`ws://127.0.0.1:${await listen(context, full)}/`, arm));
    assert.deepEqual(refused.tunnel.statusCodes, { 503: 20 });
    assert.deepEqual(refused.tunnel.limited, { count: 20, retryAfterMaxS: 7 });

    const silent = createServer();
    new WebSocketServer({ server: silent }).on('connection', (socket) => socket.on('error', () => undefined));
    const plan = planFor(`ws://127.0.0.1:${await listen(context, silent)}/`, arm);
    assertLate((await runInThread({ ...plan, timeoutMs: 200 })).tunnel);
  });
});
