/** Visitors by HTTP/1.1, and a backend that speaks HTTP/2: node:http2 as a real one, and frames by hand. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { Frame, Http2Peer } from '../../apps/tunnel-client/src/testing/http2-peer.ts';
import type { FrameWire } from '../../apps/tunnel-client/src/testing/http2-peer.ts';
import { within } from '../harness/deadline.ts';
import { startRawBackend } from '../harness/raw-backend.ts';
import type { RawBackend } from '../harness/raw-backend.ts';
import { SHAPES, useStack } from '../harness/stack.ts';
import type { StackOptions } from '../harness/stack.ts';
import { dial, valuesOf } from '../harness/wire.ts';
import type { Wire } from '../harness/wire.ts';
import { GET, GET_1_0, POST, readProblem } from './far-end.ts';

const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const WEBSOCKET = GET.replace(
  '\r\n\r\n',
  '\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
);
const NO_UPGRADE = { status: 501, code: 'SP_NO_UPGRADE', hop: 'backend', error: 'http_upgrade_failed' };

/** One connection lasts over all rows of a chapter. */
function options(isSplit: boolean, backend: string): StackOptions {
  const sessions = [{ id: 'demo', backend, protocol: 'h2c' }];
  return { isSplit, set: [`client.sessions=${JSON.stringify(sessions)}`, 'client.backendIdleTimeoutMs=60000'] };
}

interface Arrived {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly raw: readonly string[];
}

/** A backend by node:http2. */
class Http2Backend {
  readonly #server = createServer({ settings: { enableConnectProtocol: true } });
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #arrived: Arrived[] = [];
  #wake: (() => void) | null = null;

  async start(): Promise<string> {
    this.#server
      .on('session', (session) => this.#sessions.add(session))
      .on('stream', (stream: ServerHttp2Stream, headers, _flags, raw) => {
        stream.on('error', () => {});
        this.#arrived.push({ stream, headers, raw });
        this.#wake?.();
      })
      .listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async next(): Promise<Arrived> {
    while (this.#arrived.length === 0) {
      await within(new Promise<void>((resolve) => (this.#wake = resolve)), 'a request at the backend');
    }
    return this.#arrived.shift()!;
  }

  close(): void {
    this.#server.close();
    for (const session of this.#sessions) session.destroy();
  }
}

function row(number: number, sentence: string, body: (t: TestContext) => Promise<void>): void {
  void it(`${number}. ${sentence}`, body);
}

/** What comes with the next event of this name. */
function next(stream: ServerHttp2Stream, event: string): Promise<unknown[]> {
  return within(once(stream, event), `'${event}' of a stream at the backend`);
}

for (const { shape, isSplit } of SHAPES) {
  void describe(`A backend of HTTP/2 by node:http2, through ${shape}`, () => {
    const backend = new Http2Backend();
    let url = '';
    before(async () => {
      url = await backend.start();
    });
    after(() => backend.close());
    const used = useStack(() => options(isSplit, url));

    async function ask(t: TestContext, request: string): Promise<Arrived & { visitor: Wire }> {
      const visitor = await dial(used.stack.entry);
      t.after(() => visitor.close());
      visitor.send(request);
      return { visitor, ...(await backend.next()) };
    }

    row(16, 'a backend of HTTP/2 is asked for the same target, byte for byte, and any method', async (t) => {
      for (const [method, target] of [
        ['GET', '/a%2Fb//c/../d;e?f=%00&g'],
        ['m-search', '/'],
        ['PROPFIND', '/'],
      ] as const) {
        const { stream, headers, visitor } = await ask(
          t,
          GET.replace('GET /session/demo/x', `${method} /session/demo${target}`),
        );
        assert.deepEqual([headers[':method'], headers[':path']], [method, target]);
        stream.respond({ ':status': 204 }, { endStream: true });
        await visitor.readHead();
      }
    });

    row(
      23,
      'to and from a backend of HTTP/2 fields keep their order and are not merged; Host is its authority',
      async (t) => {
        const fields = 'X-Many: 1\r\nx-many: \xfc\r\nCookie: a=b; c=d\r\nTE: trailers\r\nHTTP2-Settings: x\r\n';
        const { stream, headers, raw, visitor } = await ask(t, GET.replace('\r\n\r\n', `\r\n${fields}\r\n`));
        assert.deepEqual([headers[':authority'], headers.host, headers.te], ['visited.example', undefined, 'trailers']);
        assert.deepEqual([valuesOf(raw, 'x-many'), valuesOf(raw, 'cookie')], [['1', '\xfc'], ['a=b; c=d']]);
        stream.respond({ ':status': 200, 'set-cookie': ['b=1', 'a=2, c'], 'x-latin': '\xfc', etag: '"1"' });
        stream.end('ok');
        const answer = await visitor.readHead();
        assert.equal(answer.first, 'HTTP/1.1 200 OK');
        assert.deepEqual(valuesOf(answer.fields, 'set-cookie'), ['b=1', 'a=2, c']);
        assert.deepEqual([valuesOf(answer.fields, 'x-latin'), valuesOf(answer.fields, 'etag')], [['\xfc'], ['"1"']]);
        await visitor.readThrough('2\r\nok\r\n0\r\n\r\n');
      },
    );

    row(
      25,
      'a backend of HTTP/2 that answers HEAD, 204 and 304 has no body, and keeps the length that it names',
      async (t) => {
        for (const [method, status] of [
          ['HEAD', 200],
          ['GET', 304],
          ['GET', 204],
        ] as const) {
          const { stream, visitor } = await ask(t, GET.replace('GET', method));
          const length = status === 204 ? {} : { 'content-length': '5' };
          stream.respond({ ':status': status, ...length }, { endStream: true });
          const { fields } = await visitor.readHead();
          assert.deepEqual(valuesOf(fields, 'content-length'), status === 204 ? [] : ['5']);
          visitor.finish();
          assert.equal((await visitor.readAll()).bytes.length, 0);
        }
      },
    );

    row(26, 'informational answers of a backend of HTTP/2 pass, its 100 too', async (t) => {
      const { stream, headers, visitor } = await ask(t, `${POST}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n`);
      assert.equal(headers.expect, '100-continue');
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      assert.deepEqual((await visitor.readHead()).fields.slice(0, 2), ['link', '</a>']);
      stream.additionalHeaders({ ':status': 100 });
      assert.equal((await visitor.readHead()).first, 'HTTP/1.1 100 Continue');
      visitor.send('body');
      assert.equal(String((await next(stream, 'data'))[0]), 'body');
      stream.respond({ ':status': 204 }, { endStream: true });
      assert.match((await visitor.readHead()).first, /^HTTP\/1\.1 204 /);
    });

    row(27, 'trailers pass to and from a backend of HTTP/2, those of a request where they are announced', async (t) => {
      const { stream, visitor } = await ask(t, CHUNKED.replace('\r\n\r\n', '\r\nTrailer: X-Sum\r\n\r\n'));
      const trailers = next(stream, 'trailers');
      stream.resume();
      visitor.send('4\r\nbody\r\n0\r\nX-Sum: 1\r\nContent-Length: 5\r\nHTTP2-Settings: x\r\n\r\n');
      assert.deepEqual((await trailers)[2], ['x-sum', '1']);
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-sum': ['1', '2'] }));
      stream.end('ok');
      await visitor.readHead();
      await visitor.readThrough('2\r\nok\r\n0\r\ngrpc-status: 0\r\nx-sum: 1\r\nx-sum: 2\r\n\r\n');
    });

    row(31, 'what a backend of HTTP/2 sends, and what is sent to it, passes at once', async (t) => {
      const { stream, visitor } = await ask(t, `${CHUNKED}3\r\none\r\n`);
      assert.equal(String((await next(stream, 'data'))[0]), 'one');
      stream.respond({ ':status': 200 });
      await visitor.readHead();
      for (const word of ['two', 'six']) {
        stream.write(word);
        await visitor.readThrough(`3\r\n${word}\r\n`);
        const heard = next(stream, 'data');
        visitor.send(`3\r\n${word}\r\n`);
        assert.equal(String((await heard)[0]), word);
      }
      visitor.send('0\r\n\r\n');
      await next(stream, 'end');
      stream.end();
      await visitor.readThrough('0\r\n\r\n');
    });

    row(34, 'a WebSocket is an extended CONNECT to a backend of HTTP/2 that takes it (RFC 8441)', async (t) => {
      const { stream, headers, raw, visitor } = await ask(t, WEBSOCKET);
      assert.deepEqual([headers[':method'], headers[':protocol']], ['CONNECT', 'websocket']);
      assert.deepEqual([valuesOf(raw, 'sec-websocket-version'), valuesOf(raw, 'sec-websocket-key')], [['13'], []]);
      stream.respond({ ':status': 200 });
      const { first, fields } = await visitor.readHead();
      assert.equal(first, 'HTTP/1.1 101 Switching Protocols');
      assert.deepEqual(valuesOf(fields, 'sec-websocket-accept'), ['s3pPLMBiTxaQ9kYGzzhZRbK+xOo=']);
      // A text frame and an empty ping (RFC 6455 §5.2), so that the entry can follow frame borders.
      const frames = Buffer.from([0x81, 2, 0x68, 0x69, 0x89, 0]);
      stream.write(frames);
      assert.deepEqual(await visitor.read(frames.length), frames);
      visitor.send('there');
      assert.equal(String((await next(stream, 'data'))[0]), 'there');
      // Each way ends by itself.
      const ended = next(stream, 'end');
      visitor.finish();
      await ended;
      stream.end(frames);
      assert.deepEqual((await visitor.readAll()).bytes, frames);
    });

    row(33, 'an upgrade that a backend of HTTP/2 has no place for is answered 501', async (t) => {
      const visitor = await dial(used.stack.entry);
      t.after(() => visitor.close());
      visitor.send(GET.replace('\r\n\r\n', '\r\nConnection: upgrade\r\nUpgrade: line-chat\r\n\r\n'));
      await readProblem(visitor, NO_UPGRADE);
    });
  });

  void describe(`A backend of HTTP/2 by hand, through ${shape}`, () => {
    let backend: RawBackend;
    let peer: Http2Peer<FrameWire> | null = null;
    before(async () => {
      backend = await startRawBackend();
    });
    after(() => backend.close());
    const used = useStack(() => options(isSplit, backend.url));

    /** The visitor has sent the request, whose head is there on the stream of this number. */
    async function ask(
      t: TestContext,
      request: string,
    ): Promise<{ visitor: Wire; far: Http2Peer<FrameWire>; id: number }> {
      const visitor = await dial(used.stack.entry);
      t.after(() => visitor.close());
      visitor.send(request);
      if (peer === null) {
        peer = new Http2Peer(frameWire(await backend.accept()));
        await peer.begin();
      }
      const { stream } = await peer.hear(Frame.HEADERS);
      return { visitor, far: peer, id: stream };
    }

    row(7, 'a body that a backend of HTTP/2 resets never ends well at the visitor, whatever the code', async (t) => {
      for (const code of [0, 1, 2, 5, 8, 11, 13]) {
        for (const request of [GET, GET_1_0, `${CHUNKED}2\r\nup\r\n`]) {
          const { visitor, far, id } = await ask(t, request);
          far.head(id, [':status', '200']);
          far.data(id, 'some of it');
          await visitor.readThrough('some of it');
          far.reset(id, code);
          const { bytes, how } = await visitor.readAll();
          assert.doesNotMatch(bytes.toString('latin1'), /0\r\n\r\n$/, `code ${code}`);
          if (request === GET_1_0) assert.equal(how, 'reset');
        }
      }
    });

    row(7, 'an upload that its visitor cuts never ends well at a backend of HTTP/2', async (t) => {
      const { visitor, far, id } = await ask(t, `${CHUNKED}2\r\nup\r\n`);
      assert.equal((await far.hear(Frame.DATA)).payload.toString(), 'up');
      visitor.reset();
      const seen: number[] = [];
      assert.equal((await far.hear(Frame.RST_STREAM, seen)).stream, id);
      assert.deepEqual(seen, [Frame.RST_STREAM]);
    });

    row(
      37,
      'any method is sent again that a backend of HTTP/2 refused unseen, and none that it reset otherwise',
      async (t) => {
        const { visitor, far, id } = await ask(t, `${POST}Content-Length: 4\r\n\r\nonce`);
        far.reset(id, 7);
        const again = await far.hear(Frame.HEADERS);
        far.head(again.stream, [':status', '204'], true);
        assert.match((await visitor.readHead()).first, /^HTTP\/1\.1 204 /);
        const other = await ask(t, `${POST}Content-Length: 4\r\n\r\nonce`);
        other.far.reset(other.id, 2);
        assert.match((await other.visitor.readHead()).first, /^HTTP\/1\.1 502 /);
      },
    );

    row(8, 'an answer of HTTP/2 whose DATA is not as long as its content-length is a cut', async (t) => {
      for (const text of ['few', 'many more']) {
        const { visitor, far, id } = await ask(t, GET);
        far.head(id, [':status', '200', 'content-length', '5']);
        const { fields } = await visitor.readHead();
        assert.deepEqual(valuesOf(fields, 'content-length'), ['5']);
        far.data(id, text, true);
        // Too much of it is an error of the connection to node:http2.
        if (text === 'many more') peer = null;
        assert.ok((await visitor.readAll()).bytes.length < 5, 'less than was said');
      }
    });
  });
}

function frameWire(wire: Wire): FrameWire {
  return {
    socket: wire.socket,
    hear: (text) => wire.readThrough(text),
    hearBytes: async (length) => (await wire.read(length)).toString('latin1'),
  };
}
