/** What goes wrong over HTTP/2, and upgrades: frames that no library would send. */
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { Answer, get, OPTIONS, post } from '../testing/answer.ts';
import { Frame, listenHttp2 } from '../testing/http2-peer.ts';
import type { Http2Peer } from '../testing/http2-peer.ts';
import { Http2Backend } from './http2-backend.ts';
import type { BackendOptions, BackendRequest } from './transport.ts';

/** Nothing here waits; this is for what never comes. */
const CEILING_MS = 60_000;
/** RFC 9113 §6.5.2, RFC 8441 §3. */
const MAX_CONCURRENT_STREAMS = 3;
const ENABLE_CONNECT_PROTOCOL = 8;
/** RFC 9113 §7. */
const ErrorCode = { NO_ERROR: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2, REFUSED_STREAM: 7, CANCEL: 8 } as const;
const OK = [':status', '200'];
/** RFC 9113 §5.1.1. */
const LAST_STREAM_ID = 2 ** 31 - 1;

async function setUp(t: TestContext, changes: Partial<BackendOptions> = {}) {
  const raw = await listenHttp2(t);
  const backend = new Http2Backend({ ...OPTIONS, url: raw.url, ...changes });
  t.after(() => backend.close());
  return { raw, backend };
}

/** A request that the backend has read; its stream is 1. */
async function asked(t: TestContext, request: BackendRequest = get(), changes: Partial<BackendOptions> = {}) {
  const { raw, backend } = await setUp(t, changes);
  const answer = new Answer(backend, request);
  const peer = await raw.meet();
  assert.equal((await peer.hear(Frame.HEADERS)).stream, 1);
  return { raw, backend, answer, peer };
}

describe('an answer over HTTP/2 that the backend cuts', { timeout: CEILING_MS }, () => {
  for (const [name, code] of Object.entries(ErrorCode)) {
    it(`within its body by a reset with ${name} is cut, also right behind its data`, async (t) => {
      for (const isAtOnce of [false, true]) {
        for (const request of [get(), post()]) {
          const { answer, peer } = await asked(t, request);
          peer.head(1, OK);
          peer.data(1, 'half');
          if (!isAtOnce) await answer.bytes(4);
          peer.reset(1, code);
          await answer.over;
          assert.equal(answer.told[0], '200');
          assert.match(answer.told.at(-1)!, /^failed /);
        }
      }
    });

    it(`before its head by a reset with ${name} has failed`, async (t) => {
      const { answer, peer } = await asked(t);
      peer.reset(1, code);
      await answer.over;
      const expected = { REFUSED_STREAM: 'failed overloaded not-started', PROTOCOL_ERROR: 'failed bad-head' };
      assert.deepEqual(answer.told, [expected[name as keyof typeof expected] ?? 'failed backend-reset']);
    });
  }

  it('behind its end by a reset is whole', async (t) => {
    const { answer, peer } = await asked(t, post());
    peer.head(1, OK);
    peer.data(1, 'all', true);
    peer.reset(1, ErrorCode.NO_ERROR);
    await answer.over;
    assert.deepEqual([answer.told, answer.body], [['200', 'data', 'end'], 'all']);
  });

  it('in that it comes before the upload’s end is whole, and the upload is reset, not ended', async (t) => {
    const { answer, peer } = await asked(t, post());
    peer.head(1, [':status', '413']);
    peer.data(1, 'no', true);
    await answer.over;
    answer.call.write(Buffer.from('more'));
    answer.call.cancel();
    const seen: number[] = [];
    const { payload } = await peer.hear(Frame.RST_STREAM, seen);
    assert.deepEqual([payload.readUInt32BE(0), seen], [ErrorCode.CANCEL, [Frame.RST_STREAM]]);
    assert.deepEqual([answer.told, answer.body], [['413', 'data', 'end'], 'no']);
  });

  it('with its connection, by FIN or reset, is cut', async (t) => {
    for (const how of ['finish', 'reset'] as const) {
      for (const hasHead of [false, true]) {
        const { answer, peer } = await asked(t);
        if (hasHead) peer.head(1, [...OK, 'content-length', '10']);
        if (hasHead) peer.data(1, 'half');
        if (hasHead) await answer.bytes(4);
        peer.wire[how]();
        await answer.over;
        assert.deepEqual(answer.told, [...(hasHead ? ['200', 'data'] : []), 'failed backend-reset']);
      }
    }
  });

  it('by ending it before or behind its Content-Length is cut', async (t) => {
    for (const text of ['few', 'many more']) {
      const { answer, peer } = await asked(t);
      peer.head(1, [...OK, 'content-length', '5']);
      peer.data(1, text, true);
      await answer.over;
      assert.match(answer.told.at(-1)!, /^failed /);
    }
  });
});

describe('an answer over HTTP/2 that is none', { timeout: CEILING_MS }, () => {
  for (const [what, fields] of [
    ['a field of one connection', [...OK, 'connection', 'close']],
    ['a name in upper case', [...OK, 'X-Odd', 'a']],
    ['no status', ['x-odd', 'a']],
    ['two statuses', [...OK, ...OK]],
    ['a 101', [':status', '101']],
    ['two lengths', [...OK, 'content-length', '1', 'content-length', '2']],
  ] as const) {
    it(`having ${what} has failed, and the connection serves others`, async (t) => {
      const { backend, answer, peer } = await asked(t);
      peer.head(1, fields);
      await answer.over;
      assert.deepEqual(answer.told, ['failed bad-head']);
      const next = new Answer(backend, get());
      const { stream } = await peer.hear(Frame.HEADERS);
      peer.head(stream, [':status', '204'], true);
      await next.over;
      assert.deepEqual(next.told, ['204', 'end']);
    });
  }

  it('having a line break or a NUL in a value comes without that field', async (t) => {
    const { answer, peer } = await asked(t);
    peer.head(1, [...OK, 'x-odd', 'a\r\nb: c', 'x-odder', 'a\0b', 'x-even', '1'], true);
    await answer.over;
    assert.deepEqual(
      [answer.told, answer.fields],
      [
        ['200', 'end'],
        ['x-even', '1'],
      ],
    );
  });

  it('having more fields than a head may have has failed', async (t) => {
    const { answer, peer } = await asked(t);
    peer.head(1, [...OK, ...Array.from({ length: 1_010 }, (_, i) => [`x-${i}`, 'a']).flat()]);
    await answer.over;
    assert.match(answer.told.join(), /^failed /);
  });

  it('not coming at all has timed out; its stream is reset, and its connection left', async (t) => {
    const { raw, backend, answer, peer } = await asked(t, get(), { headTimeoutMs: 50 });
    await answer.over;
    assert.deepEqual(answer.told, ['failed backend-timeout']);
    assert.equal((await peer.hear(Frame.RST_STREAM)).stream, 1);
    backend.configure(OPTIONS);
    const next = new Answer(backend, get());
    const other = await raw.meet();
    await other.hear(Frame.HEADERS);
    other.head(1, [':status', '204'], true);
    await next.over;
    assert.deepEqual(next.told, ['204', 'end']);
  });

  it('has the time that was set last, though it is asked already', async (t) => {
    const { answer, backend } = await asked(t, get(), { headTimeoutMs: 86_400_000 });
    backend.configure({ ...OPTIONS, headTimeoutMs: 50 });
    await answer.over;
    assert.deepEqual(answer.told, ['failed backend-timeout']);
  });
});

describe('a backend over HTTP/2 that goes away', { timeout: CEILING_MS }, () => {
  it('has not begun the streams above the last that its GOAWAY names, and finishes the others', async (t) => {
    const { raw, backend, answer, peer } = await asked(t);
    const second = new Answer(backend, get());
    assert.equal((await peer.hear(Frame.HEADERS)).stream, 3);
    peer.goAway(1, ErrorCode.NO_ERROR);
    await second.over;
    assert.match(second.told.join(), /^failed [a-z-]+ not-started$/);
    const third = new Answer(backend, get());
    const other = await raw.meet();
    await other.hear(Frame.HEADERS);
    other.head(1, [':status', '204'], true);
    await third.over;
    peer.head(1, OK);
    peer.data(1, 'still', true);
    await answer.over;
    assert.deepEqual([answer.told, answer.body, third.told], [['200', 'data', 'end'], 'still', ['204', 'end']]);
  });

  it('and does not close its side leaves its place to another connection all the same', async (t) => {
    const { raw, backend, answer, peer } = await asked(t, get(), { connections: 1 });
    peer.goAway(1, ErrorCode.NO_ERROR);
    peer.head(1, OK, true);
    await answer.over;
    const next = new Answer(backend, get());
    const other = await raw.meet();
    await other.hear(Frame.HEADERS);
    other.head(1, [':status', '204'], true);
    await next.over;
    assert.deepEqual(
      [answer.told, next.told],
      [
        ['200', 'end'],
        ['204', 'end'],
      ],
    );
  });

  it('is not waited for where the ids of a connection are used up', async (t) => {
    const { connect } = http2;
    t.mock.method(http2, 'connect', (...asked: Parameters<typeof connect>) => {
      const session = connect(...asked) as ReturnType<typeof connect> & { setNextStreamID(id: number): void };
      return session.once('remoteSettings', () => session.setNextStreamID(LAST_STREAM_ID));
    });
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    const { raw, backend } = await setUp(t);
    for (let i = 0; i < 2; i += 1) {
      const answer = new Answer(backend, post());
      const peer = await raw.meet();
      assert.equal((await peer.hear(Frame.HEADERS)).stream, LAST_STREAM_ID);
      answer.call.write(Buffer.from('body'));
      answer.call.end([]);
      assert.equal((await peer.hear(Frame.DATA)).payload.toString(), 'body');
      peer.head(LAST_STREAM_ID, OK);
      peer.data(LAST_STREAM_ID, 'all', true);
      await answer.over;
      assert.deepEqual([answer.told, answer.body], [['200', 'data', 'end'], 'all']);
    }
  });

  it('with an error has cut the streams that it had begun', async (t) => {
    const { backend, answer, peer } = await asked(t);
    const second = new Answer(backend, get());
    await peer.hear(Frame.HEADERS);
    peer.goAway(1, ErrorCode.INTERNAL_ERROR);
    await Promise.all([answer.over, second.over]);
    assert.deepEqual([answer.told, second.told], [['failed backend-reset'], ['failed backend-reset not-started']]);
  });

  it('before it has said what it allows has refused, and one that does not speak HTTP/2 too', async (t) => {
    for (const text of ['', 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n']) {
      const { raw, backend } = await setUp(t);
      const answer = new Answer(backend, get());
      const wire = await raw.accept();
      await wire.hear('SM\r\n\r\n');
      wire.say(text);
      wire.finish();
      await answer.over;
      assert.deepEqual(answer.told, ['failed backend-refused not-started']);
    }
  });

  it('and never says what it allows has timed out, and nothing was started', async (t) => {
    const { backend } = await setUp(t, { connectTimeoutMs: 50 });
    const answer = new Answer(backend, get());
    await answer.over;
    assert.deepEqual(answer.told, ['failed backend-timeout not-started']);
  });

  it('and allows no streams has timed out, and nothing was started', async (t) => {
    const { raw, backend } = await setUp(t);
    const answer = new Answer(backend, get());
    const peer = await raw.meet([MAX_CONCURRENT_STREAMS, 0]);
    // The other side's own settings, and its word that it has read ours.
    await peer.hear(Frame.SETTINGS);
    await peer.hear(Frame.SETTINGS);
    backend.configure({ ...OPTIONS, connectTimeoutMs: 50 });
    await answer.over;
    assert.deepEqual([answer.told, raw.connections()], [['failed backend-timeout not-started'], 1]);
  });
});

describe('a request over HTTP/2 that is cancelled', { timeout: CEILING_MS }, () => {
  it('resets its stream, before the head and behind it, and fails once', async (t) => {
    for (const hasHead of [false, true]) {
      const { answer, peer } = await asked(t, post());
      if (hasHead) peer.head(1, OK);
      if (hasHead) peer.data(1, 'half');
      if (hasHead) await answer.bytes(4);
      answer.call.cancel();
      answer.call.cancel();
      const { stream, payload } = await peer.hear(Frame.RST_STREAM);
      assert.deepEqual([stream, payload.readUInt32BE(0)], [1, ErrorCode.CANCEL]);
      assert.deepEqual(answer.told, [...(hasHead ? ['200', 'data'] : []), 'failed cancelled']);
    }
  });

  it('in mid-upload has no end of its body sent', async (t) => {
    const { answer, peer } = await asked(t, post());
    answer.call.write(Buffer.from('half'));
    assert.equal((await peer.hear(Frame.DATA)).payload.toString(), 'half');
    answer.call.cancel();
    await answer.over;
    const seen: number[] = [];
    assert.equal((await peer.hear(Frame.RST_STREAM, seen)).stream, 1);
    assert.deepEqual(seen, [Frame.RST_STREAM]);
  });

  it('while it waits for a connection never reaches the backend', async (t) => {
    const { raw, backend } = await setUp(t);
    const first = new Answer(backend, get('/first'));
    const second = new Answer(backend, get('/second'));
    first.call.cancel();
    const peer = await raw.meet();
    await peer.hear(Frame.HEADERS);
    peer.head(1, [':status', '204'], true);
    await second.over;
    assert.deepEqual([first.told, second.told], [['failed cancelled not-started'], ['204', 'end']]);
  });
});

describe('a WebSocket over HTTP/2', { timeout: CEILING_MS }, () => {
  const fields = [
    'Sec-WebSocket-Version',
    '13',
    'Sec-WebSocket-Key',
    'dGhlIHNhbXBsZSBub25jZQ==',
    'Upgrade',
    'websocket',
  ];
  const webSocket: BackendRequest = { ...get('/chat', ...fields), hasBody: true };

  async function connected(t: TestContext): Promise<{ answer: Answer; peer: Http2Peer }> {
    const { raw, backend } = await setUp(t);
    const answer = new Answer(backend, webSocket);
    answer.call.write(Buffer.from('early '));
    const peer = await raw.meet([ENABLE_CONNECT_PROTOCOL, 1]);
    await peer.hear(Frame.HEADERS);
    peer.head(1, [...OK, 'sec-websocket-protocol', 'line-chat']);
    await answer.head;
    return { answer, peer };
  }

  it('is an extended CONNECT, whose 200 is the 101 that the visitor waits for', async (t) => {
    const { answer, peer } = await connected(t);
    assert.deepEqual([answer.told, answer.reason], [['101'], 'Switching Protocols']);
    // RFC 6455 §1.3 has this key and its answer.
    const accept = ['Sec-WebSocket-Accept', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='];
    assert.deepEqual(answer.fields, ['Upgrade', 'websocket', ...accept, 'sec-websocket-protocol', 'line-chat']);
    assert.equal((await peer.hear(Frame.DATA)).payload.toString(), 'early ');
    answer.call.write(Buffer.from('there'));
    assert.equal((await peer.hear(Frame.DATA)).payload.toString(), 'there');
    peer.data(1, 'here');
    await answer.bytes(4);
    // Each way ends by itself.
    peer.data(1, 'last', true);
    await answer.over;
    assert.deepEqual([answer.told.at(-1), answer.body], ['end', 'herelast']);
    answer.call.write(Buffer.from('still'));
    assert.equal((await peer.hear(Frame.DATA)).payload.toString(), 'still');
    answer.call.end([]);
    assert.equal((await peer.hear(Frame.DATA)).flags, 1);
  });

  it('that the backend resets is cut', async (t) => {
    const { answer, peer } = await connected(t);
    peer.reset(1, ErrorCode.CANCEL);
    await answer.over;
    assert.deepEqual(answer.told, ['101', 'failed backend-reset']);
  });

  it('that the backend refuses has its answer passed on', async (t) => {
    const { raw, backend } = await setUp(t);
    const answer = new Answer(backend, webSocket);
    const peer = await raw.meet([ENABLE_CONNECT_PROTOCOL, 1]);
    await peer.hear(Frame.HEADERS);
    peer.head(1, [':status', '403']);
    peer.data(1, 'no', true);
    await answer.over;
    assert.deepEqual([answer.told, answer.body], [['403', 'data', 'end'], 'no']);
  });

  it('to a backend that has none of it is refused, not started, and so is any other upgrade', async (t) => {
    for (const [setting, request] of [
      [0, webSocket],
      [1, { ...get('/', 'Upgrade', 'line-chat'), hasBody: true }],
    ] as const) {
      const { raw, backend } = await setUp(t);
      const answer = new Answer(backend, request);
      await raw.meet([ENABLE_CONNECT_PROTOCOL, setting]);
      await answer.over;
      assert.deepEqual(answer.told, ['failed no-upgrade not-started']);
    }
  });
});
