/** WebSocket through the tunnel: every message, ping and close as it was sent. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { within } from './harness/deadline.ts';
import { SHAPES, useStack } from './harness/stack.ts';
import { startWebSocketBackend } from './harness/websocket-backend.ts';
import type { WebSocketBackend } from './harness/websocket-backend.ts';

const MIB = 1024 * 1024;
const SIZES = [0, 1, 125, 126, 65_535, 65_536, MIB, 16 * MIB];

for (const { shape, isSplit } of SHAPES) {
  describe(`a WebSocket through ${shape}`, () => {
    let backend: WebSocketBackend;
    before(async () => {
      backend = await startWebSocketBackend();
    });
    after(() => backend.close());
    const tunnel = useStack(() => ({ isSplit, backend: backend.url }));

    async function open(): Promise<{ visitor: WebSocket; far: WebSocket }> {
      const visitor = new WebSocket(`${tunnel.stack.url.replace('http', 'ws')}chat`, ['second', 'first']);
      const far = await backend.accept();
      await within(once(visitor, 'open'), 'the WebSocket to open');
      return { visitor, far };
    }

    it('keeps the subprotocol that was agreed', async () => {
      const { visitor, far } = await open();
      assert.equal(visitor.protocol, 'second');
      visitor.terminate();
      await closeOf(far);
    });

    it(`brings messages of ${SIZES.join(', ')} bytes intact in both directions`, async () => {
      const { visitor, far } = await open();
      for (const size of SIZES) {
        const sent = randomBytes(size);
        for (const [from, to] of [
          [visitor, far],
          [far, visitor],
        ] as const) {
          const come = messageOf(to);
          from.send(sent);
          const { data, isBinary } = await come;
          assert(isBinary && data.equals(sent), `${size} bytes`);
        }
      }
      visitor.close();
      await closeOf(far);
    });

    it('keeps text as text and fragments as one message', async () => {
      const { visitor, far } = await open();
      const come = messageOf(far);
      visitor.send('grüß ', { fin: false });
      visitor.send('Gott', { fin: true });
      const { data, isBinary } = await come;
      assert.deepEqual([data.toString(), isBinary], ['grüß Gott', false]);
      visitor.close();
      await closeOf(far);
    });

    it('passes pings and pongs with what they carry', async () => {
      const { visitor, far } = await open();
      for (const [from, to] of [
        [visitor, far],
        [far, visitor],
      ] as const) {
        const ping = once(to, 'ping') as Promise<[Buffer]>;
        const pong = once(from, 'pong') as Promise<[Buffer]>;
        from.ping('are you there');
        assert.equal((await within(ping, 'the ping'))[0].toString(), 'are you there');
        assert.equal((await within(pong, 'the pong'))[0].toString(), 'are you there');
      }
      visitor.close();
      await closeOf(far);
    });

    it("passes the close code and reason of either side, and the other's answer", async () => {
      for (const closer of ['visitor', 'far'] as const) {
        const ends = await open();
        const seen = Promise.all([closeOf(ends.visitor), closeOf(ends.far)]);
        ends[closer].close(4321, 'enough for today');
        const end = { code: 4321, reason: 'enough for today' };
        assert.deepEqual(await seen, [end, end], `closed by ${closer}`);
      }
    });

    it('ends on both sides when one vanishes without a close', async () => {
      for (const goer of ['visitor', 'far'] as const) {
        const ends = await open();
        const seen = Promise.all([closeOf(ends.visitor), closeOf(ends.far)]);
        ends[goer].terminate();
        assert.deepEqual(
          (await seen).map(({ code }) => code),
          [1006, 1006],
          `${goer} vanished`,
        );
      }
    });
  });
}

function messageOf(ws: WebSocket): Promise<{ data: Buffer; isBinary: boolean }> {
  const come = once(ws, 'message').then(([data, isBinary]) => ({ data, isBinary }));
  return within(come, 'a message');
}

async function closeOf(ws: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await within(once(ws, 'close'), 'the WebSocket to close')) as [number, Buffer];
  return { code, reason: reason.toString() };
}
