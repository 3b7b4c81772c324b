/** Binding, closing and very many connections. */
import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { startBackend } from './index.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const CONNECTIONS = 10_000;

function openFilesLimit(): number {
  const limits = process.platform === 'linux' ? readFileSync('/proc/self/limits', 'latin1') : '';
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? 0);
}

test('an address in use rejects with its code', async (context) => {
  const backend = await startBackend(LOOPBACK);
  context.after(() => backend.close());
  await assert.rejects(startBackend({ host: '127.0.0.1', port: backend.port }), { code: 'EADDRINUSE' });
});

test('an address of another machine rejects with its code', async () => {
  await assert.rejects(startBackend({ host: '192.0.2.1', port: 0 }), { code: 'EADDRNOTAVAIL' });
});

test('close cuts requests in flight and WebSockets, and may be called twice', async () => {
  const backend = await startBackend(LOOPBACK);
  const waiting = connect(backend.port, '127.0.0.1');
  waiting.write('GET /loadtest/delay/60000 HTTP/1.1\r\nHost: a\r\n\r\n');
  waiting.on('error', () => {});
  const socket = new WebSocket(`ws://127.0.0.1:${backend.port}/loadtest/ws`);
  await once(socket, 'open');
  // By a reset as well, where the request was not read yet.
  const cut = new Promise((resolve) => waiting.once('close', resolve));
  const ends = Promise.all([cut, once(socket, 'close')]);
  await Promise.all([backend.close(), backend.close(), ends]);
  await assert.rejects(fetch(`${backend.url}/loadtest/ping`));
});

test('as a process of its own it says where it is and ends by itself at SIGTERM', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { event, url } = JSON.parse(line.toString()) as { event: string; url: string };
  assert.equal(event, 'ready');
  const visitor = connect(Number(new URL(url).port), '127.0.0.1');
  visitor.on('error', () => {});
  visitor.write(
    'GET /loadtest/delay/60000 HTTP/1.1\r\nHost: a\r\n\r\nGET /loadtest/stream/9 HTTP/1.1\r\nHost: a\r\n\r\n',
  );
  const answer = await fetch(`${url}/loadtest/ping`);
  assert.equal(await answer.text(), 'pong\n');
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0);
});

const tooFew = openFilesLimit() < CONNECTIONS + 500 && 'fewer open files than 10,500 are allowed here';
test('10,000 connections are kept and served at once', { skip: tooFew }, async (context) => {
  const backend = await startBackend(LOOPBACK);
  context.after(() => backend.close());
  const clients = fork(join(import.meta.dirname, 'testing/keep-alive-clients.ts'), [
    String(backend.port),
    '/loadtest/ping',
    String(CONNECTIONS),
    String(3 * CONNECTIONS),
  ]);
  const [answered] = (await once(clients, 'message')) as [number];
  assert.equal(answered, 3 * CONNECTIONS);
});
