import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { CloseCode } from './codes.ts';
import { LEAVING, maskGenerator, WS_OPTIONS, WsTransport } from './ws-transport.ts';

/** A busy machine may take its time over a closing handshake. */
const OPTIONS = { ...WS_OPTIONS, closeTimeout: 60_000 };

/** What one side hears, and a promise of the moment when `count` messages are there, or the end. */
class Listener {
  readonly messages: Buffer[] = [];
  texts = 0;
  leaving = 0;
  sentBytes = 0;
  readonly closed = Promise.withResolvers<[number, string]>();
  readonly #waiters: { test: () => boolean; resolve: () => void }[] = [];

  onMessage(message: Buffer): void {
    this.messages.push(message);
    this.#wake();
  }
  onText(): void {
    this.texts += 1;
    this.#wake();
  }
  onLeaving(): void {
    this.leaving += 1;
    this.#wake();
  }
  onSent(bytes: number): void {
    this.sentBytes += bytes;
    this.#wake();
  }
  onClosed(code: number, reason: string): void {
    this.closed.resolve([code, reason]);
  }
  async until(test: (self: Listener) => boolean): Promise<void> {
    if (test(this)) return;
    await new Promise<void>((resolve) => this.#waiters.push({ test: () => test(this), resolve }));
  }
  #wake(): void {
    for (const { test, resolve } of this.#waiters) if (test()) resolve();
  }
}

interface Side {
  readonly transport: WsTransport;
  readonly listener: Listener;
  readonly ws: WebSocket;
  readonly socket: Socket;
}

function sideOf(ws: WebSocket, socket: Socket): Side {
  const transport = new WsTransport(ws, socket);
  const listener = new Listener();
  transport.handler = listener;
  return { transport, listener, ws, socket };
}

/** Dials a server of its own over loopback; `isPrivate` as the dialler knows it. */
async function connect(t: TestContext, isPrivate: boolean): Promise<{ dialler: Side; server: Side }> {
  const wss = new WebSocketServer({ ...OPTIONS, host: '127.0.0.1', port: 0 });
  t.after(() => {
    for (const each of wss.clients) each.terminate();
    wss.close();
  });
  await once(wss, 'listening');
  const arrived = once(wss, 'connection') as Promise<[WebSocket, IncomingMessage]>;
  const generateMask = maskGenerator(isPrivate);
  const options = generateMask === undefined ? OPTIONS : { ...OPTIONS, generateMask };
  const ws = new WebSocket(`ws://127.0.0.1:${(wss.address() as AddressInfo).port}/link`, options);
  // Both at once: they come in the same turn.
  const [[response]] = (await Promise.all([once(ws, 'upgrade'), once(ws, 'open')])) as [[IncomingMessage], unknown];
  const dialler = sideOf(ws, response.socket);
  const [serverSocket, request] = await arrived;
  return { dialler, server: sideOf(serverSocket, request.socket) };
}

const SIZES = [1, 2, 125, 126, 127, 1_000, 4_096, 16_392, 65_535, 65_536, 65_537, 160 * 1024];
const messageOf = (bytes: number, seed: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => i * 7 + seed));

for (const isPrivate of [true, false]) {
  describe(`a WebSocket ${isPrivate ? 'without' : 'with'} a mask`, () => {
    it('carries small and large messages intact and in order, both ways at once', async (t) => {
      const { dialler, server } = await connect(t, isPrivate);
      const expected: Buffer[] = [];
      for (let round = 0; round < 20; round += 1) {
        const batch = SIZES.map((bytes, i) => messageOf(bytes, round + i));
        expected.push(...batch);
        const bytes = batch.reduce((sum, each) => sum + each.length, 0);
        // The transport owns what it is given, so each side gets a copy of its own.
        dialler.transport.send(
          batch.map((each) => Buffer.from(each)),
          bytes,
        );
        server.transport.send(
          batch.map((each) => Buffer.from(each)),
          bytes,
        );
      }
      const total = expected.reduce((sum, each) => sum + each.length, 0);
      for (const { listener } of [dialler, server]) {
        await listener.until(({ messages, sentBytes }) => messages.length === expected.length && sentBytes === total);
        assert.ok(Buffer.concat(listener.messages).equals(Buffer.concat(expected)));
        assert.deepEqual(
          listener.messages.map((each) => each.length),
          expected.map((each) => each.length),
        );
      }
    });

    it('carries a close with its code and reason, behind what was sent', async (t) => {
      const { dialler, server } = await connect(t, isPrivate);
      dialler.transport.send([messageOf(100_000, 1)], 100_000);
      dialler.transport.close(CloseCode.FLOW_CONTROL, 'DATA beyond credit');
      assert.deepEqual(await server.listener.closed.promise, [CloseCode.FLOW_CONTROL, 'DATA beyond credit']);
      assert.equal(server.listener.messages[0]?.length, 100_000);
      const [code] = await dialler.listener.closed.promise;
      assert.equal(code, CloseCode.FLOW_CONTROL);
    });

    it('carries a close from the server, too', async (t) => {
      const { dialler, server } = await connect(t, isPrivate);
      server.transport.close(CloseCode.DONE, '');
      assert.deepEqual(await dialler.listener.closed.promise, [CloseCode.DONE, '']);
    });
  });
}

describe('a WebSocket', () => {
  it('is given its mask as the line needs it: zero on a private one, random elsewhere', async (t) => {
    const seen = Buffer.alloc(4, 0xff);
    maskGenerator(true)?.(seen);
    assert.deepEqual(seen, Buffer.alloc(4));
    assert.equal(maskGenerator(false), undefined);
    for (const isPrivate of [true, false]) {
      const { dialler, server } = await connect(t, isPrivate);
      const chunks: Buffer[] = [];
      server.socket.prependListener('data', (chunk: Buffer) => void chunks.push(Buffer.from(chunk)));
      const message = messageOf(200, 3);
      dialler.transport.send([Buffer.from(message)], 200);
      await server.listener.until(({ messages }) => messages.length === 1);
      assert.equal(Buffer.concat(chunks).includes(message), isPrivate);
      assert.deepEqual(server.listener.messages[0], message);
    }
  });

  it('negotiates no compression', async (t) => {
    const { dialler } = await connect(t, true);
    assert.equal(dialler.ws.extensions, '');
  });

  it('tells of a text message, which is not for us', async (t) => {
    const { dialler, server } = await connect(t, true);
    dialler.ws.send('hello');
    await server.listener.until(({ texts }) => texts === 1);
    assert.deepEqual(server.listener.messages, []);
  });

  it('tells of a way that is about to end by a Pong of that name, and of no other', async (t) => {
    const { dialler, server } = await connect(t, true);
    server.ws.pong('other');
    server.ws.pong(LEAVING);
    server.ws.pong();
    server.ws.send(Buffer.from('on'));
    await dialler.listener.until(({ messages }) => messages.length === 1);
    assert.equal(dialler.listener.leaving, 1);
  });

  it('ends at a message beyond 160 KiB', async (t) => {
    const { dialler, server } = await connect(t, true);
    dialler.ws.send(Buffer.alloc(160 * 1024 + 1));
    const [code] = await server.listener.closed.promise;
    assert.equal(code, 1006);
    const [toldCode] = await dialler.listener.closed.promise;
    assert.equal(toldCode, 1009);
    assert.deepEqual(server.listener.messages, []);
  });

  it('tells of an end without a word, on both sides', async (t) => {
    const { dialler, server } = await connect(t, true);
    server.transport.destroy();
    assert.equal((await server.listener.closed.promise)[0], 1006);
    assert.equal((await dialler.listener.closed.promise)[0], 1006);
    dialler.transport.send([Buffer.from('x')], 1);
    dialler.transport.close(CloseCode.DONE, '');
  });

  it('takes messages after it was closed, and drops them', async (t) => {
    const { dialler, server } = await connect(t, true);
    dialler.transport.close(CloseCode.DONE, '');
    dialler.transport.send([Buffer.from('late')], 4);
    await server.listener.closed.promise;
    assert.deepEqual(server.listener.messages, []);
    assert.equal(dialler.listener.sentBytes, 0);
  });
});
