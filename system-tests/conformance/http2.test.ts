/** The rows over HTTP/2 in clear text: what a frame says reaches the backend as HTTP/1.1, or not at all. */
import assert from 'node:assert/strict';
import { answerOn, Code, dialHttp2, Flag, roundTrip, Type } from '../harness/h2.ts';
import { within } from '../harness/deadline.ts';
import type { ProblemBody } from '../harness/problem.ts';
import { valuesOf } from '../harness/wire.ts';
import { askHttp2, assertHttp2Refused, CLEARTEXT, OK, POST, request, visitHttp2 } from './http2-bench.ts';
import { assertEnds, ownStack } from './own-stack.ts';
import { BAD_REQUEST } from './refused.ts';
import { conformance } from './rows.ts';

const BAD_HOST = { status: 400, code: 'SP_BAD_HOST' };
const BAD_TARGET = { status: 400, code: 'SP_BAD_TARGET' };
const NOT_ALLOWED = { status: 405, code: 'SP_METHOD_NOT_ALLOWED', keeps: true };
const TOO_LARGE = { status: 431, code: 'SP_HEAD_TOO_LARGE', keeps: true };
const MANY_BYTES = 300_000;
/** Under it one body in flight is held by its stream's window, its way through the tunnel and the sockets. */
const HELD_BYTES = 8_000_000;

const FORBIDDEN = [
  ['x-a', 'b\r\nx-smuggled: c'],
  ['x-b', 'a\0b'],
  ['x-c', 'a\nb'],
  ['x e', 'f'],
  ['x\r\nf', 'g'],
  ['x:g', 'h'],
];

function lines(count: number): string[] {
  return Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? `x-${i}` : '1'));
}

conformance('HTTP/2', CLEARTEXT, (row) => {
  row(5, 'Over HTTP/2 a field of the connection, and a name in upper case, are refused', (bench, t) =>
    assertHttp2Refused(
      bench,
      t,
      [
        ['connection', 'close'],
        ['keep-alive', '1'],
        ['proxy-connection', 'close'],
        ['transfer-encoding', 'chunked'],
        ['upgrade', 'h2c'],
        ['te', 'gzip'],
        ['X-Upper', '1'],
        [':unknown', '1'],
        ['x-a', '1', ':path', '/session/demo/b'],
        ['content-length', '1', 'content-length', '2'],
      ].map((fields) => [fields, null]),
    ),
  );

  row(5, 'Over HTTP/2 a value with a space or tab before or behind it is refused', (bench, t) =>
    assertHttp2Refused(
      bench,
      t,
      [' a', 'a ', '\ta', 'a\t'].map((value) => [['x-a', value], { ...BAD_REQUEST, cause: 'bad-value' }]),
    ),
  );

  row(5, 'Over HTTP/2 a field with a byte that HTTP does not allow is left out of the request', async (bench, t) => {
    const { peer, id, far, head } = await askHttp2(bench, t, [...FORBIDDEN.flat(), 'x-last', '1']);
    assert.deepEqual(
      head.fields.filter((_, i) => i % 2 === 0 && head.fields[i]!.startsWith('x')),
      ['x-last'],
    );
    far.send(OK);
    assert.equal((await answerOn(peer, id)).body, 'ok');
  });

  row(5, 'An HTTP/2 trailer with a space or tab before or behind its value is refused with 400', async (bench, t) => {
    for (const value of [' b', 'b ', '\tb']) {
      const { peer, id, far } = await askHttp2(bench, t, POST, false);
      peer.data(id, 'body');
      peer.headers(id, ['x-sum', value]);
      const { status, body } = await answerOn(peer, id);
      assert.deepEqual([status, (JSON.parse(body) as ProblemBody).code], ['400', 'SP_BAD_REQUEST']);
      assert.doesNotMatch((await far.readAll()).bytes.toString('latin1'), /0\r\n\r\n$/);
    }
  });

  row(7, 'A body that the backend cuts short resets the stream of HTTP/2 and never ends it', async (bench, t) => {
    for (const head of [
      'Content-Length: 10\r\n\r\n12345',
      'Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n',
      'Transfer-Encoding: chunked\r\n\r\nff\r\n12345',
    ]) {
      for (const end of ['fin', 'reset'] as const) {
        const { peer, id, far } = await askHttp2(bench, t);
        far.send(`HTTP/1.1 200 OK\r\n${head}`);
        await within(peer.body(id, '12345'), 'the body so far');
        if (end === 'fin') far.finish();
        else far.reset();
        const { isWhole, resetCode } = await answerOn(peer, id);
        assert.deepEqual([isWhole, resetCode], [false, Code.INTERNAL_ERROR], `${head} ${end}`);
      }
    }
  });

  row(8, 'An HTTP/2 body shorter or longer than its content-length is cut off for the backend', async (bench, t) => {
    for (const [length, pieces] of [
      [5, ['body']],
      [5, []],
      [3, ['body']],
      [3, ['bod', 'y']],
    ] as const) {
      const { peer, id, far, head } = await askHttp2(bench, t, [...POST, 'content-length', String(length)], false);
      assert.deepEqual(valuesOf(head.fields, 'content-length'), [String(length)]);
      for (const piece of pieces) peer.data(id, piece);
      peer.data(id, '', true);
      // Too short, the stream is reset; too long, the connection ends.
      const { isWhole, resetCode } = await answerOn(peer, id);
      const code = resetCode ?? (await within(peer.goaway(), 'GOAWAY'));
      assert.deepEqual([isWhole, code], [false, Code.PROTOCOL_ERROR]);
      const { bytes } = await far.readAll();
      assert.ok(bytes.length < length, `${bytes.length} of ${length} bytes`);
    }
  });

  row(
    8,
    'An HTTP/2 body of its content-length is whole for the backend only when its stream ends',
    async (bench, t) => {
      const { peer, id, far } = await askHttp2(bench, t, [...POST, 'content-length', '4'], false);
      peer.data(id, 'bo');
      assert.equal((await far.read(2)).toString(), 'bo');
      peer.data(id, 'dy');
      await roundTrip(peer);
      peer.reset(id, Code.CANCEL);
      assert.equal((await far.readAll()).bytes.toString(), '');
    },
  );

  row(9, 'An HTTP/2 head with too many lines or bytes is answered 431, a much larger one reset', (bench, t) => {
    return assertHttp2Refused(bench, t, [
      [[...lines(1_100), 'content-length', '0'], TOO_LARGE],
      [lines(2_500), null],
    ]);
  });

  row(12, 'An HTTP/2 request without an :authority or host, or with a malformed one, is refused', (bench, t) =>
    assertHttp2Refused(bench, t, [
      [[':authority', ''], null],
      [[':authority', 'a b'], null],
      [[':authority', 'a/b'], null],
      [[':authority', 'a:b'], BAD_HOST],
    ]),
  );

  row(12, 'An HTTP/2 request with a host and no :authority is for that host', async (bench, t) => {
    const peer = await visitHttp2(bench, t);
    const id = peer.newId();
    peer.headers(id, [':method', 'GET', ':scheme', 'http', ':path', '/session/demo/x', 'host', 'other.example']);
    const far = await bench.backend.accept();
    assert.deepEqual(valuesOf((await far.readHead()).fields, 'host'), ['other.example']);
    far.send(OK);
    assert.equal((await answerOn(peer, id)).body, 'ok');
  });

  row(
    14,
    'A host that differs from :authority is refused with 400, one that says the same is not',
    async (bench, t) => {
      await assertHttp2Refused(bench, t, [
        [['host', 'other.example'], BAD_HOST],
        [['host', 'visited.example:80'], BAD_HOST],
      ]);
      const { peer, id, far, head } = await askHttp2(bench, t, ['host', 'VISITED.example']);
      assert.deepEqual(valuesOf(head.fields, 'host'), ['visited.example']);
      far.send(OK);
      assert.equal((await answerOn(peer, id)).body, 'ok');
    },
  );

  row(15, 'Over HTTP/2 CONNECT and TRACE are refused with 405, and * with any method but OPTIONS', async (bench, t) => {
    await assertHttp2Refused(bench, t, [
      [[':method', 'TRACE'], NOT_ALLOWED],
      [[':path', '*'], null],
    ]);
    const peer = await visitHttp2(bench, t);
    const id = peer.newId();
    peer.headers(id, [':method', 'CONNECT', ':authority', 'visited.example:80'], false);
    assert.equal((await answerOn(peer, id)).status, '405');
  });

  row(16, 'An HTTP/2 path reaches the backend byte for byte, and only a path does', async (bench, t) => {
    const path = '/a%2Fb//c/../d;e?f=%2f&g=h;i';
    const { peer, id, far, head } = await askHttp2(bench, t, [':path', `/session/demo${path}`]);
    assert.equal(head.first, `GET ${path} HTTP/1.1`);
    far.send(OK);
    await answerOn(peer, id);
    await assertHttp2Refused(bench, t, [
      [[':path', 'http://visited.example/session/demo/x'], null],
      [[':path', ''], null],
      [[':path', '/session/demo/a\\b'], BAD_TARGET],
      [[':path', '/session/demo/a#b'], BAD_TARGET],
      [[':path', '/session/demo/a b'], null],
      [[':scheme', 'ftp'], BAD_REQUEST],
    ]);
  });

  row(18, 'te: trailers of HTTP/2 reaches the backend, and nothing else of the connection', async (bench, t) => {
    const { peer, id, far, head } = await askHttp2(bench, t, ['te', 'trailers']);
    assert.deepEqual(valuesOf(head.fields, 'te'), ['trailers']);
    far.send('HTTP/1.1 200 OK\r\nConnection: close, x-nominated\r\nX-Nominated: 1\r\nKeep-Alive: timeout=5\r\n\r\nok');
    far.finish();
    const { fields, body } = await answerOn(peer, id);
    assert.equal(body, 'ok');
    for (const name of ['connection', 'keep-alive', 'x-nominated', 'transfer-encoding']) {
      assert.deepEqual(valuesOf(fields, name), [], name);
    }
  });

  row(18, 'HTTP2-Settings goes no further than its hop, in a 1xx, a head or a trailer', async (bench, t) => {
    const { peer, id, far, head } = await askHttp2(bench, t, ['http2-settings', 'AAA', 'x-a', '1']);
    assert.deepEqual([valuesOf(head.fields, 'http2-settings'), valuesOf(head.fields, 'x-a')], [[], ['1']]);
    far.send('HTTP/1.1 103 Early Hints\r\nHTTP2-Settings: x\r\nLink: </a>\r\n\r\n');
    far.send('HTTP/1.1 200 OK\r\nHTTP2-Settings: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n');
    far.send('2\r\nok\r\n0\r\nHTTP2-Settings: x\r\nX-Sum: 1\r\n\r\n');
    const { informational, fields, body, trailers, isWhole } = await answerOn(peer, id);
    assert.deepEqual(informational, [[':status', '103', 'link', '</a>']]);
    assert.deepEqual([valuesOf(fields, 'http2-settings'), body, trailers, isWhole], [[], 'ok', ['x-sum', '1'], true]);
  });

  row(23, 'HTTP/2 cookie crumbs reach an HTTP/1.1 backend as one line, in their order', async (bench, t) => {
    const { peer, id, far, head } = await askHttp2(bench, t, [
      'cookie',
      'a=1',
      'x-a',
      'b',
      'cookie',
      'b=2',
      'cookie',
      'c=3',
    ]);
    assert.deepEqual(valuesOf(head.fields, 'cookie'), ['a=1; b=2; c=3']);
    far.send(OK);
    await answerOn(peer, id);
  });

  row(
    23,
    'Over HTTP/2 repeated fields keep their order, Set-Cookie stays apart, and bytes over 0x7F survive',
    async (bench, t) => {
      const { peer, id, far, head } = await askHttp2(bench, t, ['x-many', '1', 'x-other', '\xe9\xff', 'x-many', '2']);
      assert.deepEqual(valuesOf(head.fields, 'x-many'), ['1', '2']);
      assert.deepEqual(valuesOf(head.fields, 'x-other'), ['\xe9\xff']);
      far.send(
        'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-Other: \xe9\xff\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
      );
      const { fields } = await answerOn(peer, id);
      assert.deepEqual(valuesOf(fields, 'set-cookie'), ['a=1', 'b=2']);
      assert.deepEqual(valuesOf(fields, 'x-other'), ['\xe9\xff']);
    },
  );

  row(
    25,
    'Over HTTP/2 HEAD, 204 and 304 have no body, and content-length is kept on HEAD and 304',
    async (bench, t) => {
      for (const [method, status, length] of [
        ['HEAD', '200', ['5']],
        ['GET', '204', []],
        ['GET', '304', ['5']],
      ] as const) {
        const { peer, id, far } = await askHttp2(bench, t, [':method', method]);
        far.send(`HTTP/1.1 ${status} Odd\r\nContent-Length: 5\r\nConnection: close\r\n\r\n`);
        const answer = await answerOn(peer, id);
        assert.deepEqual([answer.status, answer.body, answer.isWhole], [status, '', true]);
        assert.deepEqual(valuesOf(answer.fields, 'content-length'), length, `${method} ${status}`);
      }
    },
  );

  row(
    26,
    'Over HTTP/2 every 1xx is forwarded, and a body that waits for 100 is sent when the backend says so',
    async (bench, t) => {
      const { peer, id, far, head } = await askHttp2(
        bench,
        t,
        [...POST, 'expect', '100-continue', 'content-length', '4'],
        false,
      );
      assert.deepEqual(valuesOf(head.fields, 'expect'), ['100-continue']);
      far.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n');
      far.send('HTTP/1.1 100 Continue\r\n\r\n');
      const heads = async () =>
        within(
          peer.take('a head', (each) => each.type === Type.HEADERS && each.id === id),
          'a 1xx',
        );
      for (let i = 0; i < 3; i += 1) assert.equal((await heads()).flags & Flag.END_STREAM, 0);
      peer.data(id, 'body', true);
      assert.equal((await far.read(4)).toString(), 'body');
      far.send(OK);
      assert.equal((await answerOn(peer, id)).body, 'ok');
    },
  );

  row(
    27,
    'Trailers pass from HTTP/2 to the backend and back, without those that a trailer may not be',
    async (bench, t) => {
      const { peer, id, far, head } = await askHttp2(bench, t, POST, false);
      assert.deepEqual(valuesOf(head.fields, 'transfer-encoding'), ['chunked']);
      peer.data(id, 'body');
      peer.headers(id, ['x-sum', '1', 'authorization', 'no', 'x-request-id', 'no', 'x-sum', '2']);
      assert.equal(await far.readThrough('\r\n\r\n'), '4\r\nbody\r\n0\r\nx-sum: 1\r\nx-sum: 2\r\n\r\n');
      far.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nok\r\n');
      await within(peer.body(id, 'ok'), 'the body');
      far.send('0\r\nX-Back: 1\r\nAuthorization: no\r\n\r\n');
      const { body, trailers, isWhole } = await answerOn(peer, id);
      assert.deepEqual([body, isWhole, trailers], ['ok', true, ['x-back', '1']]);
    },
  );

  row(
    28,
    'Over HTTP/2 an answer before the end of the upload is delivered whole, and the upload stopped',
    async (bench, t) => {
      const { peer, id, far } = await askHttp2(bench, t, POST, false);
      peer.data(id, Buffer.alloc(16_384));
      far.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
      const { status, body, isWhole } = await answerOn(peer, id);
      assert.deepEqual([status, body, isWhole], ['403', 'no', true]);
      const { payload } = await within(
        peer.take('RST_STREAM', (each) => each.type === Type.RST_STREAM && each.id === id),
        'the upload to be stopped',
      );
      assert.equal(payload.readUInt32BE(0), Code.NO_ERROR);
    },
  );

  row(
    29,
    'A reset of an HTTP/2 stream cancels its backend request, and no other of the connection',
    async (bench, t) => {
      const { peer, id, far } = await askHttp2(bench, t, [':path', '/session/demo/cancelled']);
      const kept = request(peer, [':path', '/session/demo/kept']);
      const other = await bench.backend.accept();
      await other.readHead();
      peer.reset(id, Code.CANCEL);
      await within(far.ended, 'the backend request to be cancelled');
      other.send(OK);
      assert.equal((await answerOn(peer, kept)).body, 'ok');
      peer.socket.destroy();
    },
  );

  row(
    30,
    'An HTTP/2 stream that is not read holds bounded bytes, and no other stream of its connection',
    async (bench, t) => {
      const peer = await visitHttp2(bench, t, 65_535);
      const stalled = request(peer);
      const far = await bench.backend.accept();
      await far.readHead();
      far.send('HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\nConnection: close\r\n\r\n');
      let taken = 0;
      const chunk = Buffer.alloc(65_536);
      while (taken < HELD_BYTES && far.socket.write(chunk)) taken += chunk.length;
      await within(peer.body(stalled, '\0'.repeat(65_535)), 'a window of the answer');
      peer.windowUpdate(0, MANY_BYTES);
      const other = request(peer, [':path', '/session/demo/other']);
      const second = await bench.backend.accept();
      await second.readHead();
      second.send(OK);
      assert.equal((await answerOn(peer, other)).body, 'ok');
      assert.ok(taken < HELD_BYTES, `${taken} bytes were taken from the backend`);
      peer.reset(stalled, Code.CANCEL);
      await within(far.ended, 'the backend to be told');
      far.close();
    },
  );

  row(
    30,
    'An HTTP/2 upload that the backend does not read gets no more window, and no other stream waits for it',
    async (bench, t) => {
      const { peer, id, far } = await askHttp2(bench, t, POST, false);
      far.socket.pause();
      let window = 65_536;
      let sent = 0;
      const isUpdate = (each: { type: number; id: number }) => each.type === Type.WINDOW_UPDATE && each.id === id;
      while (sent < 4 * HELD_BYTES) {
        for (; window >= 16_384; window -= 16_384, sent += 16_384) peer.data(id, Buffer.alloc(16_384));
        const other = request(peer, [':path', '/session/demo/other']);
        const second = await bench.backend.accept();
        await second.readHead();
        second.send(OK);
        assert.equal((await answerOn(peer, other)).body, 'ok');
        await roundTrip(peer);
        const updates = peer.frames.filter(isUpdate);
        if (updates.length === 0) break;
        for (const update of updates) {
          window += update.payload.readUInt32BE(0);
          peer.frames.splice(peer.frames.indexOf(update), 1);
        }
      }
      assert.ok(sent < 4 * HELD_BYTES, `${sent} bytes were taken from the visitor`);
      far.socket.resume();
      await within(peer.take('WINDOW_UPDATE', isUpdate), 'more window once the backend reads');
      peer.reset(id, Code.CANCEL);
    },
  );

  row(31, 'Over HTTP/2 each piece of an answer passes as it comes, its head before any', async (bench, t) => {
    const { peer, id, far } = await askHttp2(bench, t);
    far.send(
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
    );
    assert.equal((await within(peer.head(id), 'the head')).status, '200');
    for (let i = 0; i < 5; i += 1) {
      far.send(`9\r\ndata: ${i}\n\n\r\n`);
      await within(peer.body(id, `data: ${i}\n\n`), 'the event');
    }
    far.send('0\r\n\r\n');
    assert.ok((await answerOn(peer, id)).isWhole);
  });

  row(38, 'tells each HTTP/2 connection in a drain by one GOAWAY, and finishes what runs on it', async (bench, t) => {
    const stack = await ownStack(t, bench, { backend: bench.backend.url, set: CLEARTEXT });
    const peer = await dialHttp2(stack.entry);
    const id = request(peer, POST, false);
    const far = await bench.backend.accept();
    await far.readHead();
    const idle = await dialHttp2(stack.entry);
    const answered = request(idle);
    const other = await bench.backend.accept();
    await other.readHead();
    other.send(OK);
    await answerOn(idle, answered);
    stack.command.signal('SIGTERM');
    for (const each of [peer, idle]) assert.equal(await within(each.goaway(), 'GOAWAY'), Code.NO_ERROR);
    await within(idle.ended(), 'the idle connection to end');
    peer.data(id, 'body', true);
    await far.readThrough('0\r\n\r\n');
    far.send(OK);
    assert.equal((await answerOn(peer, id)).body, 'ok');
    await within(peer.ended(), 'the connection to end');
    for (const each of [peer, idle]) assert.ok(!each.frames.some(({ type }) => type === Type.GOAWAY));
    await assertEnds(stack);
  });
});
