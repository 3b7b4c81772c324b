/** Upgraded connections while the entry drains: each row has a stack of its own, which ends with it. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { frame, Opcode } from '../../apps/proxy-entry/src/testing/websocket-frames.ts';
import { eventually, within } from '../harness/deadline.ts';
import { answerOn, dialHttp2 } from '../harness/h2.ts';
import type { Stack } from '../harness/stack.ts';
import { dial, valuesOf } from '../harness/wire.ts';
import type { Wire } from '../harness/wire.ts';
import { unlessHeldUp } from './held-up.ts';
import { assertEnds, ownStack } from './own-stack.ts';
import { conformance } from './rows.ts';
import type { RowBench } from './rows.ts';
import { agree, ASK_WEBSOCKET, readFrame, switchToWebSocket } from './websocket-peer.ts';

const RESTART = { opcode: Opcode.CLOSE, isFinal: true, payload: '\x03\xf4service restart' };
const ANSWER = frame(Opcode.CLOSE, Buffer.from([3, 0xf4]), { isMasked: true });
const HELLO = frame(Opcode.TEXT, Buffer.from('hello'), { isFinal: false });
const MORE = frame(Opcode.CONTINUATION, Buffer.from('more'));
/** Of the drain, where it is to be met. */
const LIMIT_MS = 1_000;
const NOTHING_MORE = { bytes: Buffer.alloc(0), how: 'end' };

interface Drained {
  readonly visitor: Wire;
  readonly stack: Stack;
  /** Returns once the drain has begun. */
  readonly drain: () => Promise<void>;
}

/** A stack of the same shape with one visitor. */
async function drainable(t: TestContext, bench: RowBench, set: readonly string[] = []): Promise<Drained> {
  const stack = await ownStack(t, bench, { backend: bench.backend.url, set });
  const visitor = await dial(stack.entry);
  t.after(() => visitor.close());
  return { visitor, stack, drain: () => drain(stack) };
}

async function drain({ command, entry }: Stack): Promise<void> {
  command.signal('SIGTERM');
  await eventually(() => isRefused(entry), 'the entry to take no new connections');
}

async function isRefused(url: string): Promise<true | undefined> {
  try {
    (await dial(url)).close();
    return undefined;
  } catch {
    return true;
  }
}

conformance('Upgrades in a drain', [], (row) => {
  row(
    34,
    'in a drain puts a Close 1012 between two frames of the backend, passes the answer on, and ends both sides',
    async (bench, t) => {
      const { visitor, stack, drain } = await drainable(t, bench);
      visitor.send(ASK_WEBSOCKET);
      const far = await agree(visitor, bench.backend, HELLO);
      await readFrame(visitor);
      await drain();
      assert.deepEqual(await readFrame(visitor), RESTART);
      // What the backend was about to say: it has not heard yet.
      far.send(MORE);
      visitor.send(ANSWER);
      assert.deepEqual(await readFrame(far), { ...RESTART, payload: '\x03\xf4' });
      far.send(frame(Opcode.CLOSE, Buffer.from([3, 0xf4])));
      far.finish();
      assert.deepEqual(await visitor.readAll(), NOTHING_MORE);
      visitor.finish();
      await far.readAll();
      await assertEnds(stack);
    },
  );

  row(
    34,
    'in a drain finishes a frame of the backend that has begun, and sends nothing of the backend behind the Close',
    async (bench, t) => {
      const { visitor, stack, drain } = await drainable(t, bench);
      visitor.send(ASK_WEBSOCKET);
      const far = await agree(visitor, bench.backend, HELLO.subarray(0, 4));
      assert.deepEqual(await visitor.read(4), HELLO.subarray(0, 4));
      await drain();
      far.send(HELLO.subarray(4, 6));
      assert.deepEqual(await visitor.read(2), HELLO.subarray(4, 6));
      far.send(Buffer.concat([HELLO.subarray(6), MORE]));
      assert.deepEqual(await visitor.read(HELLO.length - 6), HELLO.subarray(6));
      assert.deepEqual(await readFrame(visitor), RESTART);
      far.send(MORE);
      visitor.send(ANSWER);
      await readFrame(far);
      far.finish();
      assert.deepEqual(await visitor.readAll(), NOTHING_MORE);
      visitor.finish();
      await assertEnds(stack);
    },
  );

  row(34, 'in a drain puts no Close behind the own one of the backend', async (bench, t) => {
    const { visitor, stack, drain } = await drainable(t, bench);
    visitor.send(ASK_WEBSOCKET);
    const far = await agree(visitor, bench.backend, frame(Opcode.CLOSE, Buffer.from([3, 0xe8])));
    await readFrame(visitor);
    await drain();
    visitor.send(ANSWER);
    await readFrame(far);
    far.finish();
    assert.deepEqual(await visitor.readAll(), NOTHING_MORE);
    visitor.finish();
    await assertEnds(stack);
  });

  row(34, 'in a drain closes a WebSocket at once that is agreed only then', async (bench, t) => {
    const { visitor, stack, drain } = await drainable(t, bench);
    visitor.send(ASK_WEBSOCKET);
    const far = await bench.backend.accept();
    await drain();
    await agree(visitor, { accept: () => Promise.resolve(far) }, HELLO);
    assert.deepEqual(await readFrame(visitor), RESTART);
    visitor.send(ANSWER);
    await readFrame(far);
    far.finish();
    assert.deepEqual(await visitor.readAll(), NOTHING_MORE);
    visitor.finish();
    await assertEnds(stack);
  });

  row(34, 'in a drain cuts a WebSocket after 5 s whose visitor does not answer the Close', async (bench, t) => {
    const { visitor, stack, drain } = await drainable(t, bench);
    visitor.send(ASK_WEBSOCKET);
    const far = await agree(visitor, bench.backend);
    await drain();
    assert.deepEqual(await readFrame(visitor), RESTART);
    await Promise.all([visitor.readAll(), far.readAll()]);
    visitor.close();
    await assertEnds(stack);
  });

  row(34, 'in a drain puts a Close 1012 between two frames over HTTP/2 too', async (bench, t) => {
    const stack = await ownStack(t, bench, { backend: bench.backend.url, set: ['entry.http2.cleartext=true'] });
    const peer = await dialHttp2(stack.entry);
    t.after(() => peer.socket.destroy());
    const asked = [':method', 'CONNECT', ':protocol', 'websocket', ':path', '/session/demo/chat'];
    const id = peer.request([...asked, ':authority', 'visited.example', 'sec-websocket-version', '13'], false);
    const far = await bench.backend.accept();
    const [key = ''] = valuesOf((await far.readHead()).fields, 'sec-websocket-key');
    far.send(Buffer.concat([Buffer.from(switchToWebSocket(key)), HELLO]));
    await within(peer.body(id, 'hello'), 'the first frame');
    await drain(stack);
    await within(peer.body(id, RESTART.payload), 'the Close');
    far.send(MORE);
    peer.data(id, ANSWER);
    assert.deepEqual(await readFrame(far), { ...RESTART, payload: '\x03\xf4' });
    far.finish();
    const { status, body, isWhole } = await answerOn(peer, id);
    const close = frame(Opcode.CLOSE, Buffer.from(RESTART.payload, 'latin1'));
    assert.deepEqual([status, body, isWhole], ['200', Buffer.concat([HELLO, close]).toString('latin1'), true]);
    peer.data(id, '', true);
    await far.readAll();
    await assertEnds(stack);
  });

  row(
    35,
    'in a drain lets opaque bytes flow on, with nothing put between them, until the limit of the drain',
    async (bench, t) => {
      await unlessHeldUp(LIMIT_MS, async (begin) => {
        const { visitor, stack, drain } = await drainable(t, bench, [`entry.drainTimeoutMs=${LIMIT_MS}`]);
        visitor.send('GET /session/demo/ HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: line-chat\r\n\r\n');
        const far = await bench.backend.accept();
        await far.readHead();
        far.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: line-chat\r\n\r\n');
        await visitor.readHead();
        begin();
        await drain();
        far.send('still ');
        assert.equal((await visitor.read(6)).toString(), 'still ');
        visitor.send('here');
        assert.equal((await far.read(4)).toString(), 'here');
        assert.equal((await visitor.readAll()).bytes.toString(), '');
        await far.readAll();
        visitor.close();
        await assertEnds(stack);
      });
    },
  );
});
