import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { WebSocket } from 'ws';
import { startBackend } from './index.ts';

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
