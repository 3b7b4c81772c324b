/** WebSocket by the `ws` library at both ends: what applications have. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { it } from 'node:test';
import { WebSocket } from 'ws';
import type { ClientOptions } from 'ws';
import { within } from '../harness/deadline.ts';
import { startStack } from '../harness/stack.ts';
import { realClient } from './clients.ts';
import type { Bench } from './clients.ts';

const MIB = 1024 * 1024;
const SIZES = [0, 1, 125, 126, 65_535, 65_536, MIB, 16 * MIB];
const SMALL_MESSAGES = 10_000;
/** So much is to be carried on two cores that others use as well. */
const LONG_MS = 60_000;
/** What the far end may be behind, so that windows and pauses come into play but not the whole lot at once. */
const SMALL_BYTES = 200;

async function open(
  { url }: Pick<Bench, 'url'>,
  options: ClientOptions = { perMessageDeflate: false },
): Promise<WebSocket> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}chat`, ['second', 'first'], options);
  await within(once(ws, 'open'), 'the WebSocket to open');
  return ws;
}

async function echoOf(ws: WebSocket, sent: Buffer | string): Promise<{ data: Buffer; isBinary: boolean }> {
  const come = once(ws, 'message') as Promise<[Buffer, boolean]>;
  ws.send(sent);
  const [data, isBinary] = await within(come, 'the echo', LONG_MS);
  return { data, isBinary };
}

async function closed(ws: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await within(once(ws, 'close'), 'the WebSocket to close', LONG_MS)) as [number, Buffer];
  return { code, reason: reason.toString() };
}

realClient('ws', {}, (bench) => {
  for (const [what, options] of [
    ['plain', { perMessageDeflate: false }],
    ['compressed between visitor and backend', { perMessageDeflate: { threshold: 0 } }],
  ] as const) {
    it(`gets messages of ${SIZES.join(', ')} bytes back as they were sent, ${what}`, async () => {
      const ws = await open(bench, options);
      assert.equal(ws.protocol, 'first');
      assert.equal(ws.extensions.includes('permessage-deflate'), options.perMessageDeflate !== false);
      for (const size of SIZES) {
        const sent = randomBytes(size);
        const { data, isBinary } = await echoOf(ws, sent);
        assert(isBinary && data.equals(sent), `${size} bytes`);
      }
      const { data, isBinary } = await echoOf(ws, 'grüß Gott');
      assert.deepEqual([data.toString(), isBinary], ['grüß Gott', false]);
      ws.close(4321, 'enough for today');
      assert.deepEqual(await closed(ws), { code: 4321, reason: 'enough for today' });
    });
  }

  it(`gets ${SMALL_MESSAGES} small messages back in order`, async () => {
    const ws = await open(bench);
    const sent = createHash('sha256');
    const come = createHash('sha256');
    let count = 0;
    const all = new Promise<void>((resolve) => {
      ws.on('message', (data: Buffer) => {
        come.update(data);
        count += 1;
        if (count === SMALL_MESSAGES) resolve();
      });
    });
    for (let i = 0; i < SMALL_MESSAGES; i += 1) {
      const message = Buffer.alloc(i % SMALL_BYTES, `${i} `);
      sent.update(message);
      ws.send(message);
    }
    await within(all, () => `${SMALL_MESSAGES} messages, of which ${count} came`, LONG_MS);
    assert.equal(come.digest('hex'), sent.digest('hex'));
    ws.close();
    await closed(ws);
  });

  it('is closed with 1012 and a reason when the entry drains', async (t) => {
    const { pids, direct } = bench.stack;
    const { url, command } = await startStack({ isSplit: pids.entry !== pids.server, backend: direct });
    t.after(() => command.signal('SIGKILL'));
    const ws = await open({ url });
    const end = closed(ws);
    const echo = await echoOf(ws, 'last words');
    assert.equal(echo.data.toString(), 'last words');
    command.signal('SIGTERM');
    assert.deepEqual(await end, { code: 1012, reason: 'service restart' });
    assert.deepEqual(await within(command.ended, 'the end of the stack', LONG_MS), { code: 0, signal: null });
  });

  it('has its pings answered by the backend, with what they carried', async () => {
    const ws = await open(bench);
    const pong = once(ws, 'pong') as Promise<[Buffer]>;
    ws.ping('are you there');
    assert.equal((await within(pong, 'the pong'))[0].toString(), 'are you there');
    ws.close();
    await closed(ws);
  });
});
