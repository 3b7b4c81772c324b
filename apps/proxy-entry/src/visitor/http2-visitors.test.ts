import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { writeHpack } from '../testing/hpack.ts';
import { Code, Flag, frame, Http2Peer, Setting, Type, u32, withPseudoFields } from '../testing/http2-peer.ts';

import { listenHttp2 } from '../testing/http2-visitors.ts';
import type { Http2Bench, Http2Changes } from '../testing/http2-visitors.ts';
import { whenClosed } from '../testing/visitors.ts';
import type { Arrived } from '../testing/visitors.ts';

/** Of a whole group of tests. Nothing here waits for it; it is for what never comes. */
const CEILING_MS = 120_000;
/** An endless loop that has begun is ended after this. */
const LOOP_MS = 10_000;
const POST = [':method', 'POST'];

async function asked(t: TestContext, fields: readonly string[] = [], isLast = true, changes: Http2Changes = {}) {
  const bench = await listenHttp2(t, changes);
  const peer = await bench.visit();
  const id = peer.request(fields, isLast);
  return { bench, peer, id, arrived: await bench.arrival() };
}

async function asking(bench: Http2Bench, peer: Http2Peer): Promise<Arrived> {
  peer.request();
  return bench.arrival();
}

function answer({ exchange }: Arrived, text: string, fields: readonly string[] = []): void {
  exchange.head(200, 'OK', ['Content-Length', String(text.length), ...fields], false);
  if (text !== '') exchange.write(Buffer.from(text));
  exchange.end([]);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** So many that what is under way on the machine's own sockets has come or is held up. */
async function turns(): Promise<void> {
  for (let i = 0; i < 500; i += 1) await turn();
}

function resetOf(peer: Http2Peer, id: number): number | null {
  const reset = peer.frames.find((each) => each.type === Type.RST_STREAM && each.id === id);
  return reset === undefined ? null : reset.payload.readUInt32BE(0);
}

/** Bodies of a stream in pieces, as they came. */
function dataOf(peer: Http2Peer, id: number): readonly string[] {
  return peer.frames
    .filter((each) => each.type === Type.DATA && each.id === id)
    .map(({ payload, flags }) => `${payload.toString('latin1')}${(flags & Flag.END_STREAM) === 0 ? '' : '.'}`);
}

describe('a request over HTTP/2', { timeout: CEILING_MS }, () => {
  it('arrives with its fields in order, bytes over 0x7F kept', async (t) => {
    const { arrived } = await asked(t, [':path', '/a%2F//..;b?c', 'x-many', '1', 'x-other', '\xfc', 'x-many', '2']);
    const { request } = arrived.exchange;
    assert.deepEqual(
      [request.method, request.target, request.httpVersion, request.hasBody, request.isUpgrade],
      ['GET', '/a%2F//..;b?c', '2', false, false],
    );
    assert.deepEqual(request.fields, ['host', 'a', 'x-many', '1', 'x-other', '\xfc', 'x-many', '2']);
  });

  it('has its body and trailers passed on', async (t) => {
    const { peer, id, arrived } = await asked(t, POST, false);
    assert.ok(arrived.exchange.request.hasBody);
    arrived.exchange.startBody();
    peer.data(id, 'bo');
    assert.equal(await arrived.hear('bo'), 'bo');
    peer.data(id, 'dy');
    peer.headers(id, ['x-sum', '1']);
    assert.equal(await arrived.hear(), 'body');
    assert.deepEqual(arrived.trailers, ['x-sum', '1']);
  });

  it('has all of its body, trailers and end held until it is wanted', async (t) => {
    const { peer, id, arrived } = await asked(t, POST, false);
    peer.data(id, 'body');
    peer.headers(id, ['x-sum', '1']);
    peer.send(Type.PING, 0, 0, '12345678');
    await peer.take('PONG', ({ type }) => type === Type.PING);
    assert.deepEqual([arrived.body, arrived.trailers], ['', null]);
    arrived.exchange.startBody();
    assert.equal(await arrived.hear(), 'body');
    assert.deepEqual(arrived.trailers, ['x-sum', '1']);
  });

  it('gets no more window than its body is read', async (t) => {
    const { peer, id, arrived } = await asked(t, POST, false, { http2: { windowBytes: 16_384 } });
    peer.data(id, Buffer.alloc(16_384, 'a'));
    arrived.exchange.pauseBody();
    await turn();
    assert.ok(!peer.frames.some((each) => each.type === Type.WINDOW_UPDATE && each.id === id));
    arrived.exchange.startBody();
    arrived.exchange.pauseBody();
    peer.send(Type.PING, 0, 0, '12345678');
    await peer.take('PONG', ({ type }) => type === Type.PING);
    const opened = () =>
      peer.frames
        .filter((each) => each.type === Type.WINDOW_UPDATE && each.id === id)
        .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
    assert.ok(opened() <= 16_384);
    arrived.exchange.resumeBody();
    await arrived.hear('a'.repeat(16_384));
    let sent = 16_384;
    while (sent < 21 * 16_384) {
      const update = await peer.take('WINDOW_UPDATE', (each) => each.type === Type.WINDOW_UPDATE && each.id === id);
      const given = update.payload.readUInt32BE(0);
      sent += given;
      peer.data(id, Buffer.alloc(given, 'b'), sent >= 21 * 16_384);
    }
    assert.equal((await arrived.hear()).length, sent);
  });

  it('that waits to be read is not taken for bytes that carry nothing', async (t) => {
    const { bench, peer, id, arrived } = await asked(t, POST, false, { keepAliveTimeoutMs: 1 });
    peer.data(id, Buffer.alloc(16_384));
    peer.data(id, Buffer.alloc(16_384));
    peer.data(id, Buffer.alloc(16_384));
    // Over the next look of the clock, which ends an idle connection.
    const idle = await bench.visit();
    answer(await asking(bench, idle), 'x');
    assert.equal(await idle.goaway(), Code.NO_ERROR);
    assert.deepEqual([bench.limits.length, arrived.body], [0, '']);
    arrived.exchange.startBody();
    await arrived.hear('\0'.repeat(3 * 16_384));
  });

  it('that was answered early may have more of its body on its way: no bytes that carry nothing', async (t) => {
    const bench = await listenHttp2(t, { keepAliveTimeoutMs: 1 });
    const peer = await bench.visit();
    // Of a connection that is idle the clock would make an end.
    peer.request();
    await bench.arrival();
    for (let i = 0; i < 12; i += 1) {
      const id = peer.request(POST, false);
      answer(await bench.arrival(), 'no');
      await peer.take('RST_STREAM', (each) => each.type === Type.RST_STREAM && each.id === id);
      for (let j = 0; j < 4; j += 1) peer.data(id, Buffer.alloc(16_000));
    }
    const idle = await bench.visit();
    answer(await asking(bench, idle), 'x');
    await idle.goaway();
    answer(await asking(bench, peer), 'still');
    assert.deepEqual([(await peer.answer(peer.lastId)).body, bench.limits], ['still', []]);
  });

  it('whose visitor resets it is finished, and its body never ends: whatever the code', async (t) => {
    for (const code of [Code.CANCEL, Code.NO_ERROR]) {
      for (const started of [true, false]) {
        const { peer, id, arrived } = await asked(t, POST, false);
        if (started) arrived.exchange.startBody();
        peer.data(id, 'bo');
        if (started) await arrived.hear('bo');
        peer.reset(id, code);
        assert.equal(await arrived.finished, false);
        await turn();
        assert.equal(arrived.trailers, null, `${code} ${started}`);
      }
    }
  });

  it('that is reset in the same piece harms nobody, malformed or not, whatever the code', async (t) => {
    const { arrivals, visit } = await listenHttp2(t);
    const peer = await visit();
    const pieces = [[], POST, [':scheme', 'ftp'], ['connection', 'x']].flatMap((fields) =>
      [Code.NO_ERROR, Code.CANCEL, Code.INTERNAL_ERROR].flatMap((code) =>
        [Flag.END_HEADERS, Flag.END_HEADERS | Flag.END_STREAM].map((flags) => {
          const id = peer.newId();
          const head = frame(Type.HEADERS, flags, id, writeHpack(withPseudoFields(fields)));
          return Buffer.concat([head, frame(Type.RST_STREAM, 0, id, u32(code))]);
        }),
      ),
    );
    peer.socket.write(Buffer.concat(pieces));
    peer.send(Type.PING, 0, 0, '12345678');
    await peer.take('PONG', ({ type }) => type === Type.PING);
    await turn();
    for (const arrived of arrivals) assert.equal(await arrived.finished, false);
  });

  it('whose visitor leaves is finished, and its body never ends', async (t) => {
    for (const isReset of [true, false]) {
      const { peer, id, arrived } = await asked(t, POST, false);
      arrived.exchange.startBody();
      peer.data(id, 'bo');
      await arrived.hear('bo');
      if (isReset) peer.socket.destroy();
      else peer.socket.end();
      assert.equal(await arrived.finished, false);
      await turn();
      assert.equal(arrived.trailers, null);
    }
  });

  it('whose content-length is not what its DATA comes to is reset, and its body never ends', async (t) => {
    for (const [length, body] of [
      ['5', 'body'],
      ['3', 'body'],
      ['0', 'body'],
    ] as const) {
      const { peer, id, arrived } = await asked(t, [...POST, 'content-length', length], false);
      arrived.exchange.startBody();
      peer.data(id, body, true);
      assert.equal(await arrived.finished, false);
      await turn();
      assert.equal(arrived.trailers, null);
    }
  });

  it('whose DATA comes to its content-length is whole only once it ends', async (t) => {
    const { peer, id, arrived } = await asked(t, [...POST, 'content-length', '4'], false);
    arrived.exchange.startBody();
    peer.data(id, 'b');
    await arrived.hear('b');
    peer.data(id, 'ody');
    peer.send(Type.PING, 0, 0, '12345678');
    await peer.take('PONG', ({ type }) => type === Type.PING);
    await turn();
    assert.equal(arrived.body, 'b');
    peer.data(id, '', true);
    assert.equal(await arrived.hear(), 'body');
    answer(arrived, 'x');
    assert.equal(await arrived.finished, true);
  });

  it('with trailers that HTTP does not allow is refused, and its body never ends', async (t) => {
    for (const value of [' b', 'b\t']) {
      const { bench, peer, id, arrived } = await asked(t, POST, false);
      arrived.exchange.startBody();
      peer.data(id, 'body');
      peer.headers(id, ['x-sum', value]);
      assert.equal((await peer.answer(id)).status, '400');
      assert.equal(arrived.trailers, null);
      peer.request();
      answer(await bench.arrival(), 'x');
      assert.equal((await peer.answer(3)).body, 'x');
    }
  });

  it('with content-length and no DATA at all reaches nobody', async (t) => {
    const { arrivals, visit } = await listenHttp2(t);
    const peer = await visit();
    const { resetCode } = await peer.answer(peer.request([...POST, 'content-length', '5']));
    assert.equal(resetCode, Code.PROTOCOL_ERROR);
    assert.equal(arrivals.length, 0);
  });
});

describe('an answer over HTTP/2', { timeout: CEILING_MS }, () => {
  it('has its fields in lower case, in order, repeated ones too, and none of the connection', async (t) => {
    const { peer, id, arrived } = await asked(t);
    arrived.exchange.head(
      200,
      'OK',
      ['Date', 'then', 'Set-Cookie', 'a=1', 'ETag', '"1"', 'Set-Cookie', 'b=2', 'Connection', 'x', 'ETag', '\xfc'],
      false,
    );
    arrived.exchange.write(Buffer.from('body'));
    arrived.exchange.end([]);
    const { status, fields, body, isWhole } = await peer.answer(id);
    assert.deepEqual([status, body, isWhole], ['200', 'body', true]);
    assert.deepEqual(fields, ['date', 'then', 'set-cookie', 'a=1', 'etag', '"1"', 'set-cookie', 'b=2', 'etag', '\xfc']);
    assert.equal(await arrived.finished, true);
  });

  it('given in one turn ends with its last DATA, or with its head where there is none', async (t) => {
    const { bench, peer, id, arrived } = await asked(t);
    answer(arrived, 'body');
    await peer.answer(id);
    assert.deepEqual(dataOf(peer, id), ['body.']);
    const empty = peer.request();
    answer(await bench.arrival(), '');
    await peer.answer(empty);
    assert.deepEqual(dataOf(peer, empty), []);
    const chunked = peer.request();
    const { exchange } = await bench.arrival();
    exchange.head(200, 'OK', [], false);
    exchange.write(Buffer.from('body'));
    exchange.end([]);
    await peer.answer(chunked);
    assert.deepEqual(dataOf(peer, chunked), ['body.']);
  });

  it('can be taken back in the turn in which its head was given, with what came of its body, and not later', async (t) => {
    const { bench, peer, id, arrived } = await asked(t);
    const { exchange } = arrived;
    for (const piece of ['', 'hal']) {
      exchange.head(200, 'OK', ['X-First', 'yes'], false);
      if (piece !== '') exchange.write(Buffer.from(piece));
      assert.equal(exchange.takeBack(), true);
      assert.equal(exchange.takeBack(), false);
    }
    answer(arrived, 'instead');
    assert.equal(exchange.takeBack(), false);
    const { fields, body, isWhole } = await peer.answer(id);
    assert.deepEqual([fields.includes('x-first'), body, isWhole], [false, 'instead', true]);
    const later = peer.request();
    const second = await bench.arrival();
    second.exchange.head(200, 'OK', [], false);
    await peer.head(later);
    assert.equal(second.exchange.takeBack(), false);
  });

  it('may have a head as large as any, and the connection stays', async (t) => {
    const { bench, peer, id, arrived } = await asked(t);
    const lines = Array.from({ length: 1_000 }, (_, i) => [`x-line-${i}`, 'v'.repeat(55)]).flat();
    answer(arrived, 'body', lines);
    await bench.visit();
    const got = await peer.answer(id);
    assert.deepEqual([got.status, got.body], ['200', 'body']);
    const other = peer.request();
    answer(await bench.arrival(), 'more');
    assert.equal((await peer.answer(other)).body, 'more');
  });

  it('shows its head, and each piece, before more of it is there', async (t) => {
    for (const fields of [[], ['Content-Length', '6']]) {
      const { peer, id, arrived } = await asked(t);
      arrived.exchange.head(200, 'OK', fields, false);
      await peer.head(id);
      arrived.exchange.write(Buffer.from('one'));
      await peer.body(id, 'one');
      arrived.exchange.write(Buffer.from('two'));
      await peer.body(id, 'two');
      arrived.exchange.end([]);
      assert.ok((await peer.answer(id)).isWhole);
      assert.equal(await arrived.finished, true);
    }
  });

  it('has trailers, behind a body given at once, one in pieces, and none', async (t) => {
    for (const pieces of [['body'], ['bo', 'dy'], []]) {
      for (const [isSpread, isWhole] of [
        [true, true],
        [false, true],
        [true, false],
        [false, false],
      ] as const) {
        const { peer, id, arrived } = await asked(t, POST, isWhole);
        arrived.exchange.head(200, 'OK', [], false);
        if (isSpread) await peer.head(id);
        for (const piece of pieces) {
          arrived.exchange.write(Buffer.from(piece));
          if (isSpread) await peer.body(id, piece);
        }
        arrived.exchange.end(['Grpc-Status', '0', 'X-Many', '1', 'x-many', '2']);
        const { body, trailers, isWhole: isEnded } = await peer.answer(id);
        assert.deepEqual([body, isEnded], [pieces.join(''), true]);
        assert.deepEqual(trailers, ['grpc-status', '0', 'x-many', '1', 'x-many', '2']);
        assert.equal(await arrived.finished, true);
      }
    }
  });

  it('may come behind any number of 1xx heads, 100 among them', async (t) => {
    const { peer, id, arrived } = await asked(t, POST, false);
    arrived.exchange.informational(100, 'Continue', []);
    arrived.exchange.informational(103, 'Early Hints', ['Link', '</a>', 'Link', '</b>']);
    arrived.exchange.informational(103, 'Early Hints', ['Link', '</c>']);
    answer(arrived, 'body');
    const { informational, status } = await peer.answer(id);
    assert.deepEqual(informational, [
      [':status', '100'],
      [':status', '103', 'link', '</a>', 'link', '</b>'],
      [':status', '103', 'link', '</c>'],
    ]);
    assert.equal(status, '200');
  });

  it('has no field of a connection in any of its parts: node:http2 would throw', async (t) => {
    const OF_CONNECTION = ['HTTP2-Settings', 'x', 'Keep-Alive', '5', 'TE', 'gzip'];
    const { peer, id, arrived } = await asked(t);
    arrived.exchange.informational(103, 'Early Hints', ['Link', '</a>', ...OF_CONNECTION]);
    arrived.exchange.head(200, 'OK', ['X-A', '1', ...OF_CONNECTION], false);
    arrived.exchange.write(Buffer.from('body'));
    arrived.exchange.end(['X-Sum', '1', ...OF_CONNECTION, '__proto__', 'x']);
    const { informational, fields, body, trailers, isWhole } = await peer.answer(id);
    assert.deepEqual(informational, [[':status', '103', 'link', '</a>']]);
    assert.deepEqual(fields.filter((_, i) => i % 2 === 0 && fields[i] !== 'date').slice(-1), ['x-a']);
    assert.deepEqual([body, trailers, isWhole], ['body', ['x-sum', '1', '__proto__', 'x'], true]);
  });

  it('that node:http2 will not send is cut, and the connection serves on', async (t) => {
    for (const give of [
      ({ exchange }: Arrived) => exchange.informational(200, 'OK', []),
      ({ exchange }: Arrived) => {
        exchange.head(200, 'OK', [], false);
        exchange.write(Buffer.from('body'));
        exchange.end(['no name\n', '1']);
      },
    ]) {
      const { bench, peer, id, arrived } = await asked(t);
      give(arrived);
      const { isWhole, resetCode } = await peer.answer(id);
      assert.deepEqual([isWhole, resetCode, await arrived.finished], [false, Code.INTERNAL_ERROR, false]);
      peer.request();
      answer(await bench.arrival(), 'x');
      assert.equal((await peer.answer(3)).body, 'x');
    }
  });

  it('that is with nghttp2 when its visitor leaves does not keep it busy for ever', async (t) => {
    const script = fileURLToPath(new URL('../testing/http2-leave.ts', import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    let said = '';
    let deadline: NodeJS.Timeout | undefined;
    child.stdout.on('data', (chunk: Buffer) => {
      said += String(chunk);
      // A loop would use up the memory of the machine as well.
      deadline ??= setTimeout(() => child.kill('SIGKILL'), LOOP_MS);
    });
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(deadline);
    assert.deepEqual([code, said], [0, 'leaving\nalive\n']);
  });

  it('has no body to HEAD, nor with 204, 205 and 304, whatever is written', async (t) => {
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 205],
      ['GET', 304],
    ] as const) {
      for (const isSpread of [true, false]) {
        const { peer, id, arrived } = await asked(t, [':method', method]);
        arrived.exchange.head(status, '', ['ETag', '"1"'], false);
        if (isSpread) await peer.head(id);
        arrived.exchange.write(Buffer.from('body'));
        arrived.exchange.end([]);
        const got = await peer.answer(id);
        assert.deepEqual([got.status, got.body, got.isWhole], [String(status), '', true]);
        assert.equal(await arrived.finished, true);
      }
    }
  });

  it('that is cut never ends, however much of it went out before', async (t) => {
    for (const [fields, bytes] of [
      [[], 0],
      [[], 4],
      [[], 100_000],
      [['Content-Length', '200000'], 100_000],
    ] as const) {
      for (const waits of [true, false]) {
        const { peer, id, arrived } = await asked(t);
        arrived.exchange.head(200, 'OK', fields, false);
        if (bytes > 0) arrived.exchange.write(Buffer.alloc(bytes, 'x'));
        if (waits) await peer.head(id);
        arrived.exchange.cut();
        const { isWhole, resetCode } = await peer.answer(id);
        assert.deepEqual([isWhole, resetCode], [false, Code.INTERNAL_ERROR]);
        assert.equal(await arrived.finished, false);
        peer.socket.destroy();
      }
    }
  });

  it('that HTTP/2 has no words for is cut', async (t) => {
    const { peer, id, arrived } = await asked(t);
    arrived.exchange.head(799, 'Odd', [], false);
    arrived.exchange.end([]);
    assert.equal((await peer.answer(id)).resetCode, Code.INTERNAL_ERROR);
    assert.equal(await arrived.finished, false);
  });

  it('before the end of the upload is delivered whole, and the upload stopped', async (t) => {
    for (const reads of ['nothing', 'some', 'paused'] as const) {
      const { peer, id, arrived } = await asked(t, POST, false);
      if (reads !== 'nothing') arrived.exchange.startBody();
      if (reads === 'paused') arrived.exchange.pauseBody();
      peer.data(id, 'some');
      if (reads === 'some') await arrived.hear('some');
      answer(arrived, 'no');
      const { body, isWhole } = await peer.answer(id);
      assert.deepEqual([body, isWhole], ['no', true]);
      const { payload } = await peer.take('RST_STREAM', (each) => each.type === Type.RST_STREAM);
      assert.equal(payload.readUInt32BE(0), Code.NO_ERROR);
      assert.equal(await arrived.finished, true, reads);
    }
  });

  it('closes its stream at once though nobody reads the upload, ended or not', async (t) => {
    // Without the clock, which would do it later.
    t.mock.timers.enable({ apis: ['setInterval'] });
    for (const reads of ['nothing', 'paused'] as const) {
      for (const ends of ['before', 'after', 'never'] as const) {
        for (const [fields, trailers] of [
          [['Content-Length', '2'], []],
          [[], []],
          [[], ['x-sum', '1']],
        ] as const) {
          const { peer, id, arrived } = await asked(t, POST, false);
          if (reads === 'paused') arrived.exchange.startBody();
          if (reads === 'paused') arrived.exchange.pauseBody();
          peer.data(id, 'some', ends === 'before');
          arrived.exchange.head(413, '', fields, false);
          arrived.exchange.write(Buffer.from('no'));
          // What ends it goes out in a frame of its own.
          await peer.body(id, 'no');
          arrived.exchange.end(trailers);
          if (ends === 'after') peer.data(id, '', true);
          assert.ok((await peer.answer(id)).isWhole);
          assert.equal(await arrived.finished, true);
          peer.socket.destroy();
        }
      }
    }
  });

  it('waits for its visitor: write says when, and other streams go on', async (t) => {
    const bench = await listenHttp2(t);
    const peer = await bench.visit({ windowBytes: 1_000 });
    const id = peer.request();
    const { exchange } = await bench.arrival();
    let isDrained = false;
    const drained = new Promise<void>((resolve) => {
      exchange.listener!.onDrained = () => {
        isDrained = true;
        resolve();
      };
    });
    exchange.head(200, 'OK', [], false);
    let written = 0;
    while (exchange.write(Buffer.alloc(16_384))) written += 16_384;
    assert.ok(written <= 131_072);
    const other = peer.request();
    answer(await bench.arrival(), 'yes');
    assert.equal((await peer.answer(other)).body, 'yes');
    assert.ok(!isDrained);
    peer.windowUpdate(id, 1_000_000);
    peer.windowUpdate(0, 1_000_000);
    await drained;
  });

  it('that fills the window with its last byte ends once there is window again: nothing resets it before', async (t) => {
    for (const [what, fields, isLast] of [
      ['an answer with its length', [], true],
      ['before the end of the upload', POST, false],
    ] as const) {
      for (const length of [['Content-Length', '1000'], []]) {
        const bench = await listenHttp2(t);
        const peer = await bench.visit({ windowBytes: 1_000 });
        const id = peer.request(fields, isLast);
        const arrived = await bench.arrival();
        arrived.exchange.head(200, 'OK', length, false);
        arrived.exchange.write(Buffer.alloc(1_000));
        await peer.take('DATA', (each) => each.type === Type.DATA && each.id === id);
        arrived.exchange.end([]);
        // Whatever would be sent too early is sent before the answer to this.
        answer(await asking(bench, peer), 'later');
        assert.equal((await peer.answer(peer.lastId)).body, 'later');
        assert.equal(resetOf(peer, id), null, `${what}, ${String(length)}`);
        peer.windowUpdate(id, 1_000);
        const { isWhole, resetCode } = await peer.answer(id);
        assert.ok(isWhole);
        assert.equal(resetCode, null);
        assert.equal(await arrived.finished, true);
        if (!isLast) await peer.take('RST_STREAM', (each) => each.type === Type.RST_STREAM && each.id === id);
      }
    }
  });
});

/** What the visitor is to prove of the backend (RFC 6455 §4.1). */
function proofFor({ exchange }: Arrived): string {
  const { fields } = exchange.request;
  const key = fields[fields.indexOf('sec-websocket-key') + 1]!;
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

describe('a visitor over HTTP/2 that is too slow', { timeout: CEILING_MS }, () => {
  it('with its body is told so; the time that we do not read costs it nothing', async (t) => {
    const { bench, peer, id, arrived } = await asked(t, POST, false, { bodyMinBytesPerS: 1_000, bodyGraceMs: 100 });
    arrived.exchange.startBody();
    const paused = peer.request(POST, false);
    const other = await bench.arrival();
    other.exchange.startBody();
    other.exchange.pauseBody();
    const { status, isWhole } = await peer.answer(id);
    assert.deepEqual([status, isWhole], ['408', true]);
    answer(other, 'in time');
    assert.equal((await peer.answer(paused)).body, 'in time');
  });

  it('to take an answer has it cut, one that is quiet not', async (t) => {
    const bench = await listenHttp2(t, { answerStallTimeoutMs: 100 });
    const peer = await bench.visit({ windowBytes: 1_000 });
    const quiet = peer.request();
    const patient = await bench.arrival();
    patient.exchange.head(200, 'OK', [], false);
    for (const ends of [true, false]) {
      const stalled = peer.request();
      const { exchange, finished } = await bench.arrival();
      exchange.head(200, 'OK', [], false);
      exchange.write(Buffer.alloc(5_000));
      if (ends) exchange.end([]);
      assert.equal((await peer.answer(stalled)).resetCode, Code.INTERNAL_ERROR);
      assert.equal(await finished, false);
    }
    assert.deepEqual(bench.limits, ['answer-stall', 'answer-stall']);
    patient.exchange.end([]);
    assert.ok((await peer.answer(quiet)).isWhole);
  });
});

describe('an extended CONNECT', { timeout: CEILING_MS }, () => {
  const CONNECT = [':method', 'CONNECT', ':protocol', 'websocket', ':path', '/chat'];

  it('is announced', async (t) => {
    const { visit } = await listenHttp2(t);
    const peer = await visit();
    const { payload } = await peer.take('SETTINGS', ({ type }) => type === Type.SETTINGS);
    const settings = new Map<number, number>();
    for (let at = 0; at < payload.length; at += 6) settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    assert.equal(settings.get(Setting.CONNECT), 1);
    assert.equal(settings.get(Setting.MAX_CONCURRENT_STREAMS), 100);
  });

  it('becomes an upgrade, and its 101 a 200 without the proof; then bytes go both ways, and each side ends', async (t) => {
    const { peer, id, arrived } = await asked(t, CONNECT, false);
    const { exchange } = arrived;
    assert.deepEqual(
      [exchange.request.method, exchange.request.isUpgrade, exchange.request.hasBody],
      ['GET', true, true],
    );
    const proof = proofFor(arrived);
    exchange.startBody();
    exchange.head(
      101,
      'Switching Protocols',
      ['Upgrade', 'websocket', 'Sec-WebSocket-Accept', proof, 'X-A', 'b'],
      false,
    );
    const { status, fields } = await peer.head(id);
    assert.equal(status, '200');
    assert.deepEqual(fields.slice(0, 2), ['x-a', 'b']);
    assert.ok(!fields.includes('sec-websocket-accept') && !fields.includes('upgrade'));
    peer.data(id, 'ping');
    await arrived.hear('ping');
    exchange.write(Buffer.from('pong'));
    await peer.body(id, 'pong');
    peer.data(id, 'bye', true);
    assert.equal(await arrived.hear(), 'pingbye');
    exchange.write(Buffer.from('bye'));
    exchange.end([]);
    assert.deepEqual((await peer.answer(id)).body, 'pongbye');
    assert.equal(await arrived.finished, true);
  });

  it('is cut where the backend did not prove that it speaks WebSocket', async (t) => {
    const { peer, id, arrived } = await asked(t, CONNECT, false);
    arrived.exchange.head(101, 'Switching Protocols', ['Upgrade', 'websocket', 'Sec-WebSocket-Accept', 'x'], false);
    assert.equal((await peer.answer(id)).resetCode, Code.INTERNAL_ERROR);
  });

  it('may be answered as any request', async (t) => {
    const { peer, id, arrived } = await asked(t, CONNECT, false);
    arrived.exchange.head(403, 'Forbidden', ['Content-Length', '2'], true);
    arrived.exchange.write(Buffer.from('no'));
    arrived.exchange.end([]);
    const { status, body, isWhole } = await peer.answer(id);
    assert.deepEqual([status, body, isWhole], ['403', 'no', true]);
    assert.equal(await arrived.finished, true);
  });

  it('for another protocol is refused, with an answer of our own', async (t) => {
    const { refusals, visit } = await listenHttp2(t);
    const peer = await visit();
    const got = await peer.answer(peer.request([':method', 'CONNECT', ':protocol', 'connect-udp'], false));
    assert.deepEqual([got.status, got.body, refusals.map(({ code }) => code)], ['501', 'no', ['unknown-protocol']]);
  });
});

describe('a connection of HTTP/2', { timeout: CEILING_MS }, () => {
  it('answers many requests at once, each its own', async (t) => {
    const { visit, arrival } = await listenHttp2(t);
    const peer = await visit();
    const ids = Array.from({ length: 50 }, (_, i) => peer.request([':path', `/${i}`]));
    const arrivals: Arrived[] = [];
    while (arrivals.length < ids.length) arrivals.push(await arrival());
    for (const arrived of arrivals.toReversed()) answer(arrived, arrived.exchange.request.target);
    for (const [i, id] of ids.entries()) assert.equal((await peer.answer(id)).body, `/${i}`);
  });

  it('speaks with a library as well', async (t) => {
    const bench = await listenHttp2(t);
    const socket = await bench.connect();
    const session = connectHttp2('http://a', { createConnection: () => socket });
    const stream = session.request({ ':method': 'POST', ':path': '/x' });
    stream.end('body');
    const arrived = await bench.arrival();
    arrived.exchange.startBody();
    assert.equal(await arrived.hear(), 'body');
    arrived.exchange.head(200, 'OK', [], false);
    arrived.exchange.write(Buffer.from('answer'));
    arrived.exchange.end(['x-sum', '1']);
    const trailers = new Promise((resolve) => stream.on('trailers', resolve));
    const chunks = await stream.toArray();
    assert.equal(Buffer.concat(chunks as Buffer[]).toString(), 'answer');
    assert.equal(((await trailers) as { 'x-sum': string })['x-sum'], '1');
    session.destroy();
  });

  it('is drained by one GOAWAY: what runs is finished, and then it ends', async (t) => {
    const { bench, peer, id, arrived } = await asked(t, POST, false);
    bench.visitors.drain();
    assert.equal(await peer.goaway(), Code.NO_ERROR);
    arrived.exchange.startBody();
    peer.data(id, 'body', true);
    assert.equal(await arrived.hear(), 'body');
    answer(arrived, 'done');
    assert.equal((await peer.answer(id)).body, 'done');
    await peer.ended();
    assert.equal(peer.frames.filter(({ type }) => type === Type.GOAWAY).length, 0);
  });

  it('takes nothing more once it is drained, though its GOAWAY still waits for the socket', async (t) => {
    const { bench, peer, id, arrived } = await asked(t, POST, false);
    peer.socket.pause();
    arrived.exchange.head(200, 'OK', [], false);
    // More than the kernel holds for who does not read.
    for (let i = 0; i < 1_000; i += 1) arrived.exchange.write(Buffer.alloc(16_384));
    await turns();
    bench.visitors.drain();
    await turns();
    peer.request();
    // Behind the request, so that it has been read as well.
    peer.data(id, 'later', true);
    arrived.exchange.startBody();
    await arrived.hear('later');
    peer.socket.resume();
    const { payload } = await peer.take('GOAWAY', ({ type }) => type === Type.GOAWAY);
    assert.equal(payload.readUInt32BE(0), id);
    arrived.exchange.end([]);
    assert.ok((await peer.answer(id)).isWhole);
    assert.equal(bench.arrivals.length, 1);
  });

  it('drained with its last answer still on its way brings all of it', async (t) => {
    const { bench, peer, id, arrived } = await asked(t);
    peer.socket.pause();
    const body = Buffer.alloc(1_048_576, 'x');
    arrived.exchange.head(200, 'OK', ['Content-Length', String(body.length)], false);
    arrived.exchange.write(body);
    arrived.exchange.end([]);
    assert.equal(await arrived.finished, true);
    bench.visitors.drain();
    await turns();
    peer.windowUpdate(id, 1_000);
    await turns();
    peer.socket.resume();
    const got = await peer.answer(id);
    assert.deepEqual([got.isWhole, got.body.length], [true, body.length]);
    assert.equal(await peer.goaway(), Code.NO_ERROR);
    await peer.ended();
  });

  it('is closed at once when drained idle, and when nothing comes in time', async (t) => {
    const { bench, peer, arrived, id } = await asked(t);
    answer(arrived, 'x');
    await peer.answer(id);
    bench.visitors.drain();
    assert.equal(await peer.goaway(), Code.NO_ERROR);
    await peer.ended();
  });

  it('that has been idle for its limit, or asked nothing in time, is told so and closed', async (t) => {
    const { bench, peer, arrived, id } = await asked(t);
    bench.configure({ keepAliveTimeoutMs: 1, headTimeoutMs: 1 });
    answer(arrived, 'x');
    await peer.answer(id);
    assert.equal(await peer.goaway(), Code.NO_ERROR);
    await peer.ended();
    const silent = await bench.visit({ greets: false });
    await silent.ended();
  });

  it('whose visitor never ends a head, the first or a later one, is closed in time', async (t) => {
    for (const isRunning of [false, true]) {
      const { peer, arrived, bench, id } = await asked(t);
      bench.configure({ headTimeoutMs: 1 });
      if (!isRunning) {
        answer(arrived, 'x');
        await peer.answer(id);
      }
      peer.send(Type.HEADERS, Flag.END_STREAM, peer.newId(), writeHpack(['x-a', '1']));
      assert.equal(await peer.goaway(), Code.NO_ERROR);
      if (isRunning) answer(arrived, 'x');
      await peer.ended();
      assert.equal(bench.arrivals.length, 1);
    }
  });

  it('whose visitor reads nothing at all is closed all the same', async (t) => {
    const bench = await listenHttp2(t, { answerStallTimeoutMs: 100, keepAliveTimeoutMs: 1 });
    const socket = await bench.connect();
    const peer = new Http2Peer(socket);
    const closed = whenClosed(socket);
    peer.request();
    const { exchange, finished } = await bench.arrival();
    socket.pause();
    exchange.head(200, 'OK', [], false);
    // More than the kernel holds for who does not read.
    for (let i = 0; i < 1_000; i += 1) exchange.write(Buffer.alloc(16_384));
    assert.equal(await finished, false);
    while (bench.visitors.connections > 0) await turn();
    socket.resume();
    await closed;
  });

  it('refuses more streams than it may have, and says which limit that is', async (t) => {
    const { visit, arrival, limits } = await listenHttp2(t, { http2: { concurrentStreams: 3 } });
    const peer = await visit();
    const ids = [1, 2, 3].map(() => peer.request());
    const arrivals = [await arrival(), await arrival(), await arrival()];
    // As a visitor that does not know the limit yet: over it by one that it resets is one too many as well.
    peer.reset(ids[0]!, Code.CANCEL);
    await arrivals[0]!.finished;
    const { resetCode } = await peer.answer(peer.request());
    assert.equal(resetCode, Code.REFUSED_STREAM);
    assert.deepEqual(limits, ['http2-streams']);
  });
});

describe('what HTTP/2 does not allow reaches nobody:', { timeout: CEILING_MS }, () => {
  const BAD: readonly (readonly [string, readonly string[]])[] = [
    ['a name in upper case', ['X-Upper', '1']],
    ['Connection', ['connection', 'close']],
    ['Keep-Alive', ['keep-alive', '5']],
    ['Transfer-Encoding', ['transfer-encoding', 'chunked']],
    ['Upgrade', ['upgrade', 'h2c']],
    ['TE that is not trailers', ['te', 'gzip']],
    ['a pseudo-field behind a field', ['x-a', '1', ':path', '/b']],
    ['a pseudo-field twice', [':path', '/', ':path', '/b']],
    ['an unknown pseudo-field', [':status', '200']],
    ['an empty :path', [':path', '']],
    ['a :path without a slash', [':path', 'http://b/']],
    [':protocol without CONNECT', [':protocol', 'websocket']],
    ['two lengths', ['content-length', '1', 'content-length', '2']],
    ['a length that is no number', ['content-length', '+1']],
    ['a second host', [':authority', 'a', 'host', 'a', 'host', 'b']],
    [':path with a line end', [':path', '/a\r\nx: y']],
    [':authority with a line end', [':authority', 'a\r\nx: y']],
    [':method with a space', [':method', 'GET /b']],
    ['a value with a space before it', ['x-a', ' b']],
    ['a value with a tab behind it', ['x-a', 'b\t']],
  ];
  for (const [what, fields] of BAD) {
    it(what, async (t) => {
      const { arrivals, visit } = await listenHttp2(t);
      const peer = await visit();
      const { resetCode, status } = await peer.answer(peer.request(fields));
      assert.ok(resetCode === Code.PROTOCOL_ERROR || status === '400', `${resetCode} ${status}`);
      assert.equal(arrivals.length, 0);
    });
  }

  const MALFORMED: readonly (readonly [string, string, string])[] = [
    ['CR and LF in a value', 'x-a', 'b\r\nx-c: d'],
    ['NUL in a value', 'x-a', 'b\0c'],
    ['a bare LF in a value', 'x-a', 'b\nc'],
    ['a name with a line end', 'x-a: b\r\nx-c', 'd'],
    ['a name with a space', 'x a', 'b'],
    ['a name with a colon', 'x:a', 'b'],
    ['an empty name', '', 'b'],
  ];
  for (const [what, name, value] of MALFORMED) {
    it(`${what}: the field, if not the request`, async (t) => {
      const { arrivals, visit } = await listenHttp2(t);
      const peer = await visit();
      const id = peer.request([name, value, 'x-end', '1']);
      const got = await Promise.race([peer.answer(id), arrived()]);
      if (got !== null) return assert.equal(got.resetCode, Code.PROTOCOL_ERROR);
      assert.deepEqual(arrivals[0]!.exchange.request.fields, ['host', 'a', 'x-end', '1']);

      async function arrived(): Promise<null> {
        while (arrivals.length === 0) await turn();
        return null;
      }
    });
  }

  it('too large a head is answered 431, and a much larger one reset', async (t) => {
    const { arrivals, refusals, visit } = await listenHttp2(t, { requestHeadBytes: 1_024, requestHeadLines: 10 });
    const peer = await visit();
    const big = await peer.answer(peer.request(['x-big', 'x'.repeat(1_024)]));
    assert.deepEqual([big.status, refusals.map(({ code }) => code)], ['431', ['head-too-large']]);
    const huge = await peer.answer(peer.request(['x-big', 'x'.repeat(10_000)]));
    assert.equal(huge.resetCode, Code.ENHANCE_YOUR_CALM);
    const many = await peer.answer(peer.request(Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 'x' : 'y'))));
    assert.equal(many.resetCode, Code.ENHANCE_YOUR_CALM);
    assert.equal(arrivals.length, 0);
  });
});
