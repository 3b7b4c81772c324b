/** Row 39, and what one HTTP/2 connection may do besides asking. `SALLYPORT_LONG=1`: all of the 200,000 requests. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { within } from '../harness/deadline.ts';
import { answerOn, Code, Flag, frame, Type, u32, withPseudoFields, writeHpack } from '../harness/h2.ts';
import type { Http2Peer } from '../harness/h2.ts';
import { scrape, total } from '../harness/metrics.ts';
import type { Wire } from '../harness/wire.ts';
import { dialHttp2 } from '../harness/h2.ts';
import { CLEARTEXT, OK, POST, request, visitHttp2 } from './http2-bench.ts';
import { ownStack } from './own-stack.ts';
import { conformance } from './rows.ts';
import type { RowBench } from './rows.ts';

const REQUESTS = process.env['SALLYPORT_LONG'] === '1' ? 200_000 : 5_000;
const AT_ONCE = 100;
const LONG_MS = 600_000;

function head(peer: Http2Peer, fields: readonly string[] = []): Buffer {
  const all = withPseudoFields([':path', '/session/demo/x', ...fields]);
  return frame(Type.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, peer.newId(), writeHpack(all));
}

function many(count: number, one: (i: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => one(i)));
}

/** Name, the limit that it reaches, and what is sent until the connection ends. */
const FLOODS: readonly (readonly [string, string, (peer: Http2Peer) => Buffer])[] = [
  [
    'requests taken back',
    'http2-resets',
    (peer) => many(100, () => Buffer.concat([head(peer), frame(Type.RST_STREAM, 0, peer.lastId, u32(Code.CANCEL))])),
  ],
  [
    'CONTINUATION',
    'http2-continuations',
    () => many(100, (i) => frame(i === 0 ? Type.HEADERS : Type.CONTINUATION, 0, 1_001)),
  ],
  ['PING', 'http2-control', () => many(500, () => frame(Type.PING, 0, 0, '12345678'))],
  ['SETTINGS', 'http2-control', () => many(500, () => frame(Type.SETTINGS, 0, 0))],
  ['empty DATA', 'http2-overhead', () => many(500, () => frame(Type.DATA, 0, 1))],
  ['PRIORITY', 'http2-overhead', () => many(500, () => frame(Type.PRIORITY, 0, 1, '\0\0\0\0\x10'))],
  ['WINDOW_UPDATE', 'http2-overhead', () => many(500, () => frame(Type.WINDOW_UPDATE, 0, 1, u32(1)))],
  ['malformed requests', 'http2-overhead', (peer) => many(100, () => head(peer, ['connection', 'x']))],
];

/** The backend's connection with the request for this. Those that a flood took back may have come to it as well. */
async function acceptOf({ backend }: RowBench, path: string): Promise<Wire> {
  for (;;) {
    const far = await backend.accept();
    const head = await far.readHead().catch(() => null);
    if (head?.first.includes(path) === true) return far;
    far.close();
  }
}

conformance('HTTP/2 load', CLEARTEXT, (row) => {
  row(39, 'One HTTP/2 connection carries request after request with no GOAWAY', async (bench, t) => {
    // More at once than slots: nobody may leave the queue because a machine that is busy is late.
    const set = ['entry.http2.cleartext=true', 'log.level=warn', 'server.queue.timeoutMs=60000'];
    const { entry } = await ownStack(t, bench, { set });
    const peer = await dialHttp2(entry);
    t.after(() => peer.socket.destroy());
    for (let done = 0; done < REQUESTS; done += AT_ONCE) {
      const ids = Array.from({ length: AT_ONCE }, () => request(peer, [':path', '/session/demo/loadtest/get']));
      for (const id of ids) {
        const { status, isWhole } = await within(peer.answer(id), `the answer on stream ${id}`, LONG_MS);
        assert.deepEqual([status, isWhole], ['200', true]);
      }
      assert.ok(!peer.frames.some(({ type }) => type === Type.GOAWAY));
      peer.frames.length = 0;
    }
  });

  row(
    39,
    'A flood on an HTTP/2 connection ends with GOAWAY ENHANCE_YOUR_CALM and the connection, and no other suffers',
    async (bench, t) => {
      const bystander = await visitHttp2(bench, t);
      const waiting = request(bystander);
      const far = await bench.backend.accept();
      await far.readHead();
      const { entry } = bench.stack.admin;
      for (const [i, [what, limit, flood]] of FLOODS.entries()) {
        const before = total(await scrape(entry), 'sallyport_limit_hits_total', `limit="${limit}"`);
        const peer = await visitHttp2(bench, t, 65_535);
        // Stream 1 is open while it goes on.
        request(peer, [...POST, ':path', `/session/demo/flood-${i}`], false);
        const itsFar = await acceptOf(bench, `/flood-${i} `);
        const calm = within(peer.goaway(), `GOAWAY after ${what}`);
        calm.catch(() => {});
        while (!peer.isEnded && peer.socket.writable) {
          const bytes = flood(peer);
          // Right behind a look at what came: where the connection is reset meanwhile, a write would lose the GOAWAY.
          await turn();
          if (peer.socket.writable) peer.socket.write(bytes);
        }
        assert.equal(await calm, Code.ENHANCE_YOUR_CALM, what);
        await within(itsFar.ended, 'the request of a connection that is gone to be cancelled');
        const after = total(await scrape(entry), 'sallyport_limit_hits_total', `limit="${limit}"`);
        assert.equal(after, before + 1, what);
      }
      far.send(OK);
      assert.equal((await answerOn(bystander, waiting)).body, 'ok');
    },
  );
});
