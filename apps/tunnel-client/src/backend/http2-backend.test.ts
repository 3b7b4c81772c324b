import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { Answer, get, OPTIONS, post } from '../testing/answer.ts';
import { haveOpenssl, listenTls } from '../testing/tls-backend.ts';
import { freePort } from '../../../../packages/protocol/src/testing/free-port.ts';
import { Http2Backend } from './http2-backend.ts';
import type { BackendOptions, BackendTransport } from './transport.ts';

/** Nothing here waits; this is for what never comes. */
const CEILING_MS = 60_000;

interface Arrived {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly raw: readonly string[];
}

/** node:http2 as the backend, and what arrives at it, in order. */
class Served {
  readonly url: string;
  readonly sessions: ServerHttp2Session[] = [];
  readonly #arrived: Arrived[] = [];
  #wake: (() => void) | null = null;

  constructor(server: Http2Server) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('session', (session) => this.sessions.push(session));
    server.on('stream', (stream: ServerHttp2Stream, headers, _flags, raw) => {
      stream.on('error', () => {});
      this.#arrived.push({ stream, headers, raw });
      this.#wake?.();
    });
  }

  async next(): Promise<Arrived> {
    while (this.#arrived.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#arrived.shift()!;
  }
}

type ServerSettings = Parameters<typeof createServer>[0];

async function setUp(t: TestContext, changes: Partial<BackendOptions> = {}, settings: ServerSettings = {}) {
  const http2 = createServer(settings);
  http2.listen(0, '127.0.0.1');
  await once(http2, 'listening');
  const server = new Served(http2);
  t.after(() => {
    http2.close();
    for (const session of server.sessions) session.destroy();
  });
  return { server, backend: newBackend(t, { url: server.url, ...changes }) };
}

function newBackend(t: TestContext, options: Pick<BackendOptions, 'url'> & Partial<BackendOptions>): BackendTransport {
  const backend = new Http2Backend({ ...OPTIONS, ...options });
  t.after(() => backend.close());
  return backend;
}

function bodyOf(stream: ServerHttp2Stream): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1'))).on('end', () => resolve(text));
  });
}

describe('a request over HTTP/2', { timeout: CEILING_MS }, () => {
  it('has its target and fields as they came, in order, with Host as its authority', async (t) => {
    const { server, backend } = await setUp(t);
    const fields = [
      'X-Many',
      '1',
      'x-MANY',
      '\xfc',
      'Cookie',
      'a=b; c=d',
      'TE',
      'trailers',
      'Referer',
      'a',
      'Referer',
      'b',
    ];
    const answer = new Answer(backend, get('/a%2Fb/../c;d?e\xfc', ...fields));
    const { stream, raw } = await server.next();
    const pseudo = [
      ':method',
      'GET',
      ':scheme',
      'http',
      ':authority',
      'visited.example',
      ':path',
      '/a%2Fb/../c;d?e\xfc',
    ];
    const plain = [
      'x-many',
      '1',
      'x-many',
      '\xfc',
      'cookie',
      'a=b; c=d',
      'te',
      'trailers',
      'referer',
      'a',
      'referer',
      'b',
    ];
    assert.deepEqual(raw, [...pseudo, ...plain]);
    stream.respond({ ':status': 204 }, { endStream: true });
    await answer.over;
    assert.deepEqual(answer.told, ['204', 'end']);
  });

  it('goes out with any method, and OPTIONS for all of the server', async (t) => {
    const { server, backend } = await setUp(t);
    for (const [method, target] of [
      ['PROPFIND', '/'],
      ['m-search', '/'],
      ['OPTIONS', '*'],
    ] as const) {
      const answer = new Answer(backend, { ...get(target), method });
      const { stream, headers } = await server.next();
      assert.deepEqual([headers[':method'], headers[':path']], [method, target]);
      stream.respond({ ':status': 204 }, { endStream: true });
      await answer.over;
    }
    assert.equal(server.sessions.length, 1);
  });

  it('has its body and its trailers passed on as they come', async (t) => {
    const { server, backend } = await setUp(t);
    const answer = new Answer(backend, post('/', 'Trailer', 'X-Sum'));
    answer.call.write(Buffer.from('one '));
    const { stream } = await server.next();
    const trailers = once(stream, 'trailers');
    const body = bodyOf(stream);
    await once(stream, 'data');
    answer.call.write(Buffer.from('two'));
    answer.call.end(['X-Sum', '1', 'x-sum', '\xfc', '__proto__', 'a']);
    assert.equal(await body, 'one two');
    assert.deepEqual((await trailers)[2], ['x-sum', '1', 'x-sum', '\xfc', '__proto__', 'a']);
    stream.respond({ ':status': 200 });
    stream.end('ok');
    await answer.over;
    assert.deepEqual([answer.told, answer.body, answer.takenBytes], [['200', 'data', 'end'], 'ok', 7]);
  });

  it('that announces trailers has a connection of its own, which ends with it', async (t) => {
    const { server, backend } = await setUp(t);
    const first = new Answer(backend, get());
    (await server.next()).stream.respond({ ':status': 204 }, { endStream: true });
    await first.over;
    for (let i = 0; i < 20; i += 1) {
      const answer = new Answer(backend, post('/', 'Trailer', 'X-Sum'));
      answer.call.write(Buffer.alloc(i * 10_000));
      const { stream } = await server.next();
      assert.notEqual(stream.session, server.sessions[0]);
      const gone = new Promise<void>((resolve) => stream.session!.once('close', resolve));
      if (i % 4 === 0) answer.call.cancel();
      else {
        // An answer before the upload's end is what node:http2 does not survive where the stream is reset.
        stream.respond({ ':status': 413 });
        stream.end(i % 4 === 1 ? 'no' : '');
        if (i % 4 === 3) answer.call.end(['X-Sum', '1']);
      }
      await answer.over;
      await gone;
    }
    const last = new Answer(backend, get());
    (await server.next()).stream.respond({ ':status': 204 }, { endStream: true });
    await last.over;
    assert.equal(last.status, 204);
  });

  it('that says how long its body is breaks off where it is not', async (t) => {
    for (const text of ['abcd', 'ab']) {
      const { server, backend } = await setUp(t);
      const answer = new Answer(backend, post('/', 'Content-Length', '3'));
      const { stream } = await server.next();
      const closed = once(stream, 'close');
      answer.call.write(Buffer.from(text));
      answer.call.end([]);
      await answer.over;
      await closed;
      assert.deepEqual([answer.told, stream.rstCode], [['failed bad-head'], 8]);
    }
  });

  it('has its body taken only as the backend takes it', async (t) => {
    const { server, backend } = await setUp(t);
    const answer = new Answer(backend, post());
    const chunk = Buffer.alloc(65_536);
    for (let i = 0; i < 100; i += 1) answer.call.write(chunk);
    const { stream } = await server.next();
    assert.ok(answer.takenBytes < 10 * chunk.length, `${answer.takenBytes} bytes`);
    stream.resume();
    await answer.taken(100 * chunk.length);
  });

  it('that expects a 100 waits for what the backend says', async (t) => {
    const { server, backend } = await setUp(t);
    const answer = new Answer(backend, post('/', 'Expect', '100-continue', 'Content-Length', '4'));
    const { stream, headers } = await server.next();
    assert.equal(headers.expect, '100-continue');
    stream.additionalHeaders({ ':status': 100 });
    answer.call.write(Buffer.from('body'));
    answer.call.end([]);
    assert.equal(await bodyOf(stream), 'body');
    stream.respond({ ':status': 204 }, { endStream: true });
    await answer.over;
    assert.deepEqual(answer.told, ['100', '204', 'end']);
  });

  it('that HTTP/2 does not allow is a bad head, not started', async (t) => {
    const { backend } = await setUp(t);
    const answer = new Answer(backend, get('/', 'Connection', 'close'));
    await answer.over;
    assert.deepEqual(answer.told, ['failed bad-head not-started']);
  });
});

describe('a request over HTTP/2 whose head or trailers are odd', { timeout: CEILING_MS }, () => {
  it('fails alone where node:http2 will not send its trailers', async (t) => {
    const { server, backend } = await setUp(t);
    const answer = new Answer(backend, post('/', 'Trailer', 'x'));
    answer.call.write(Buffer.from('body'));
    answer.call.end(['HTTP2-Settings', 'x']);
    await answer.over;
    assert.deepEqual(answer.told, ['failed bad-head']);
    await server.next();
    const next = new Answer(backend, get());
    (await server.next()).stream.respond({ ':status': 204 }, { endStream: true });
    await next.over;
    assert.equal(next.status, 204);
  });

  it('arrives with as many fields, and as large a head, as the tunnel carries', async (t) => {
    const { server, backend } = await setUp(
      t,
      {},
      { maxHeaderListPairs: 2_000, settings: { maxHeaderListSize: 200_000 } },
    );
    const fields = Array.from({ length: 2 * 990 }, (_, i) => (i % 2 === 0 ? `x-${i}` : 'v'.repeat(58)));
    const answer = new Answer(backend, get('/', ...fields));
    await Promise.race([
      answer.over,
      server.next().then(({ stream }) => stream.respond({ ':status': 204 }, { endStream: true })),
    ]);
    await answer.over;
    assert.deepEqual(answer.told, ['204', 'end']);
  });
});

describe('an answer over HTTP/2', { timeout: CEILING_MS }, () => {
  it('has its informational heads, its fields in order, its body and trailers', async (t) => {
    const { server, backend } = await setUp(t);
    const answer = new Answer(backend, get());
    const { stream } = await server.next();
    stream.additionalHeaders({ ':status': 103, link: '</a>' });
    stream.additionalHeaders({ ':status': 103, link: '</b>' });
    stream.respond(
      { ':status': 207, 'set-cookie': ['b=1', 'a=2, c'], 'x-latin': '\xfc', date: 'now' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': ['1', '2'] }));
    stream.end('body');
    await answer.over;
    assert.deepEqual(answer.told, ['103', '103', '207', 'data', 'end']);
    assert.deepEqual([answer.status, answer.reason, answer.body], [207, 'Multi-Status', 'body']);
    assert.deepEqual(answer.fields, ['set-cookie', 'b=1', 'set-cookie', 'a=2, c', 'x-latin', '\xfc', 'date', 'now']);
    assert.deepEqual(answer.trailers, ['x-sum', '1', 'x-sum', '2']);
  });

  it('of trailers alone, as gRPC’s errors are, ends with its head', async (t) => {
    const { server, backend } = await setUp(t);
    const answer = new Answer(backend, post());
    const { stream } = await server.next();
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' }, { endStream: true });
    await answer.over;
    assert.deepEqual(answer.told, ['200', 'end']);
    assert.deepEqual(answer.fields.slice(0, 4), ['content-type', 'application/grpc', 'grpc-status', '5']);
  });

  it('is held up while nobody takes it, and goes on where it was', async (t) => {
    const { server, backend } = await setUp(t);
    const answer = new Answer(backend, get());
    answer.isFull = true;
    const { stream } = await server.next();
    const bytes = 4_000_000;
    stream.respond({ ':status': 200 });
    stream.end(Buffer.alloc(bytes, 'x'));
    await answer.bytes(1);
    // Others pass meanwhile.
    const other = new Answer(backend, get());
    (await server.next()).stream.respond({ ':status': 204 }, { endStream: true });
    await other.over;
    assert.ok(answer.body.length < bytes / 10, `${answer.body.length} bytes`);
    for (let seen = 0; seen < bytes;) {
      await answer.bytes(seen + 1);
      seen = answer.body.length;
      answer.call.resume();
    }
    await answer.over;
    assert.equal(answer.body.length, bytes);
  });
});

describe('connections over HTTP/2', { timeout: CEILING_MS }, () => {
  it('carry as many requests at a time as the backend allows, and are no more than that needs', async (t) => {
    const { server, backend } = await setUp(t, {}, { settings: { maxConcurrentStreams: 4 } });
    const answers = Array.from({ length: 10 }, (_, i) => new Answer(backend, get(`/${i}`)));
    const perSession = new Map<unknown, number>();
    const streams: ServerHttp2Stream[] = [];
    for (let i = 0; i < answers.length; i += 1) {
      const { stream } = await server.next();
      perSession.set(stream.session, (perSession.get(stream.session) ?? 0) + 1);
      streams.push(stream);
    }
    assert.deepEqual(
      [...perSession.values()].toSorted((a, b) => a - b),
      [2, 4, 4],
    );
    for (const stream of streams) stream.respond({ ':status': 204 }, { endStream: true });
    for (const answer of answers) await answer.over;
    assert.ok(answers.every(({ told }) => told.at(-1) === 'end'));
  });

  it('are used again, and closed when they have been idle', async (t) => {
    const { server, backend } = await setUp(t, { idleTimeoutMs: 50 });
    for (let i = 0; i < 3; i += 1) {
      const answer = new Answer(backend, get());
      (await server.next()).stream.respond({ ':status': 204 }, { endStream: true });
      await answer.over;
    }
    assert.equal(server.sessions.length, 1);
    await once(server.sessions[0]!, 'close');
    const answer = new Answer(backend, get());
    (await server.next()).stream.respond({ ':status': 204 }, { endStream: true });
    await answer.over;
    assert.equal(server.sessions.length, 2);
  });

  it('that cannot be made have refused, and nothing was started', async (t) => {
    const answer = new Answer(newBackend(t, { url: `http://127.0.0.1:${await freePort()}` }), get());
    await answer.over;
    assert.deepEqual(answer.told, ['failed backend-refused not-started']);
  });

  it('over TLS speak HTTP/2 with a backend that is asked for by its name', async (t) => {
    if (!haveOpenssl(t)) return;
    const { port, ca } = await listenTls(t);
    const backend = newBackend(t, { url: `https://127.0.0.1:${port}`, ca, serverName: 'named.test' });
    const answer = new Answer(backend, get());
    await answer.over;
    assert.deepEqual(answer.fields.slice(0, 2), ['x-version', '2.0']);
    assert.equal(answer.body, 'asked for named.test');
  });

  it('close with their backend, and nothing is asked afterwards', async (t) => {
    const { server, backend } = await setUp(t);
    const answer = new Answer(backend, get());
    await server.next();
    await Promise.all([backend.close(), backend.close()]);
    await answer.over;
    const late = new Answer(backend, get());
    assert.deepEqual([answer.told, late.told], [['failed backend-reset'], ['failed backend-refused not-started']]);
  });
});
