import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { WebSocket } from 'ws';
import { startBackend } from './index.ts';
import { createEchoSockets } from './websocket.ts';

const backend = await startBackend({ host: '127.0.0.1', port: 0 });
after(() => backend.close());
const url = `ws://127.0.0.1:${backend.port}/loadtest/ws`;

async function open(target = url): Promise<WebSocket> {
  const socket = new WebSocket(target);
  await once(socket, 'open');
  return socket;
}

test('text comes back as text, binary as binary, in order', async () => {
  const socket = await open(`${url}?with=query`);
  const received: [string, boolean][] = [];
  const all = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer, binary) => {
      if (received.push([data.toString(), binary]) === 3) resolve();
    });
  });
  socket.send('first');
  socket.send(Buffer.from('second'));
  socket.send('');
  await all;
  assert.deepEqual(received, [
    ['first', false],
    ['second', true],
    ['', false],
  ]);
  socket.close(4001, 'enough');
  const [code] = (await once(socket, 'close')) as [number];
  assert.equal(code, 4001);
});

test('32 MB of messages sent before any is read come back whole', async () => {
  const socket = await open();
  socket.pause();
  const message = Buffer.alloc(1024 * 1024, 7);
  for (let sent = 0; sent < 32; sent += 1) socket.send(message);
  let receivedBytes = 0;
  const all = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      receivedBytes += data.length;
      if (receivedBytes === 32 * message.length) resolve();
    });
  });
  socket.resume();
  await all;
  socket.terminate();
});

test('when echoes are not taken, the backend stops reading', { timeout: 60_000 }, async (context) => {
  const sockets = createEchoSockets();
  const server = createServer().listen(0, '127.0.0.1');
  server.on('upgrade', (req, socket, head) => {
    sockets.handleUpgrade(req, socket, head, (webSocket) => sockets.emit('connection', webSocket));
  });
  await once(server, 'listening');
  context.after(() => {
    for (const webSocket of sockets.clients) webSocket.terminate();
    server.close();
  });
  const paused = new Promise<void>((resolve) => {
    sockets.on('connection', (webSocket) => {
      context.mock.method(webSocket, 'pause', () => {
        WebSocket.prototype.pause.call(webSocket);
        resolve();
      });
    });
  });
  const socket = await open(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  socket.pause();
  const message = Buffer.alloc(256 * 1024);
  for (let sent = 0; sent < 256; sent += 1) socket.send(message);
  await paused;
  const [ours] = sockets.clients;
  assert.ok(ours !== undefined && ours.bufferedAmount < 2 * 1024 * 1024, `${ours?.bufferedAmount} bytes are queued`);
  const closed = once(ours, 'close');
  socket.terminate();
  ours.resume();
  await closed;
});

test('a message over 64 MiB is refused with close code 1009', async () => {
  const socket = await open();
  socket.send(Buffer.alloc(64 * 1024 * 1024 + 1));
  const [code] = (await once(socket, 'close')) as [number];
  assert.equal(code, 1009);
});

test('any other path does not upgrade', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${backend.port}/loadtest/ping`);
  const [error] = (await once(socket, 'error')) as [Error];
  assert.match(error.message, /Unexpected server response: 200/);
});
