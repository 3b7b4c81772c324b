import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { writeHpack } from '../testing/hpack.ts';
import { Code, Flag, frame, Type, u32, withPseudoFields } from '../testing/http2-peer.ts';
import type { Http2Peer } from '../testing/http2-peer.ts';
import { listenHttp2 } from '../testing/http2-visitors.ts';

/** Of a whole group of tests. Nothing here waits for it; it is for what never comes. */
const CEILING_MS = 300_000;
const POST = [':method', 'POST'];

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Sends that again and again until the connection ends. Stream 1 is open then, stream 3 is over. */
async function flooded(t: TestContext, flood: (peer: Http2Peer) => Buffer) {
  const bench = await listenHttp2(t, { http2: { concurrentStreams: 10_000 } });
  const peer = await bench.visit({ windowBytes: 65_536 });
  peer.request(POST, false);
  (await bench.arrival()).exchange.startBody();
  peer.reset(peer.request(POST, false), Code.CANCEL);
  await (
    await bench.arrival()
  ).finished;
  const calm = peer.goaway();
  // It is awaited below.
  calm.catch(() => {});
  while (!peer.isEnded && peer.socket.writable) {
    peer.socket.write(flood(peer));
    await turn();
  }
  const code = await calm;
  await peer.ended();
  return { code, limits: bench.limits, arrivals: bench.arrivals };
}

function request(
  peer: Http2Peer,
  fields: readonly string[],
  resets = false,
  flags: number = Flag.END_HEADERS | Flag.END_STREAM,
): Buffer {
  const id = peer.newId();
  const head = frame(Type.HEADERS, flags, id, writeHpack(withPseudoFields(fields)));
  return resets ? Buffer.concat([head, frame(Type.RST_STREAM, 0, id, u32(Code.CANCEL))]) : head;
}

function many(count: number, one: (i: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => one(i)));
}

describe('a flood over HTTP/2 ends with GOAWAY and the connection:', { timeout: CEILING_MS }, () => {
  const FLOODS: readonly (readonly [string, string, (peer: Http2Peer) => Buffer])[] = [
    ['PING', 'http2-control', () => many(20, () => frame(Type.PING, 0, 0, '12345678'))],
    ['SETTINGS', 'http2-control', () => many(20, () => frame(Type.SETTINGS, 0, 0))],
    ['PRIORITY', 'http2-overhead', () => many(100, () => frame(Type.PRIORITY, 0, 1, '\0\0\0\0\x10'))],
    ['WINDOW_UPDATE', 'http2-overhead', () => many(100, () => frame(Type.WINDOW_UPDATE, 0, 0, '\0\0\0\x01'))],
    ['unknown frames', 'http2-overhead', () => many(100, () => frame(0xbb, 0, 0, 'x'))],
    ['empty DATA', 'http2-overhead', () => many(100, () => frame(Type.DATA, 0, 1))],
    ['padding', 'http2-overhead', () => many(10, () => frame(Type.DATA, Flag.PADDED, 1, `\xff${'\0'.repeat(255)}`))],
    ['RST_STREAM for what is over', 'http2-overhead', () => many(100, () => frame(Type.RST_STREAM, 0, 3, u32(8)))],
    ['DATA for what is over', 'http2-overhead', () => many(10, () => frame(Type.DATA, 0, 3, 'x'.repeat(100)))],
    ['requests that are malformed', 'http2-overhead', (peer) => many(100, () => request(peer, ['connection', 'x']))],
    [
      'CONTINUATION',
      'http2-continuations',
      () => many(20, (i) => frame(i === 0 ? Type.HEADERS : Type.CONTINUATION, 0, 5)),
    ],
    ['requests that are taken back', 'http2-resets', (peer) => many(10, () => request(peer, [], true))],
    [
      'requests that we must reset',
      'http2-resets',
      (peer) =>
        many(10, () =>
          Buffer.concat([request(peer, [...POST, 'content-length', '1'], false, 4), frame(Type.DATA, 1, peer.lastId)]),
        ),
    ],
  ];
  for (const [what, limit, flood] of FLOODS) {
    it(what, async (t) => {
      const { code, limits, arrivals } = await flooded(t, flood);
      assert.equal(code, Code.ENHANCE_YOUR_CALM);
      assert.deepEqual([...new Set(limits)], [limit]);
      for (const arrived of arrivals) assert.equal(await arrived.finished, false);
    });
  }
});
