/** SIGTERM while visitors do all they can to stay: the drain has its limit, whoever is there. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { connect as connectSecurely } from 'node:tls';
import {
  certificateFolder,
  opensslIsThere,
  putPair,
  TestAuthority,
} from '../apps/proxy-entry/src/testing/authority.ts';
import { eventually } from './harness/deadline.ts';
import { Http2Peer } from './harness/h2.ts';
import { scrape, total } from './harness/metrics.ts';
import { startRawBackend } from './harness/raw-backend.ts';
import { SHAPES, startStack } from './harness/stack.ts';
import type { Stack } from './harness/stack.ts';

const skip = opensslIsThere() ? {} : { skip: 'openssl is absent' };
const DRAIN_MS = 1_000;
/** Three parts one behind the other, and the time of processes to end; less than one drain takes by default. */
const SOON_MS = 28_000;
/** So that the first are still there when the last come, on a machine that is held up. */
const PATIENT = ['entry.headTimeoutMs=600000', 'entry.tls.handshakeTimeoutMs=600000'];
/** Of everybody who is in the way: of each kind as many. */
const EACH = 5;
const DRIP_MS = 100;
const HOST = 'Host: localhost\r\n';

/** Kinds of visitors who do not leave; each is given a connection to the plain port. */
const STUBBORN: Readonly<Record<string, (socket: Socket) => void>> = {
  'says nothing': () => {},
  'drips a head': (socket) => drip(socket, `GET /session/demo/x HTTP/1.1\r\n${HOST}X-Slow: `, 'a'),
  'drips a body': (socket) => drip(socket, `POST /session/demo/x HTTP/1.1\r\n${HOST}Content-Length: 9999\r\n\r\n`, 'b'),
  'drips chunks': (socket) =>
    drip(socket, `POST /session/demo/x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nc\r\n'),
  'waits for an answer that never comes': (socket) => socket.write(`GET /session/demo/x HTTP/1.1\r\n${HOST}\r\n`),
  'asks, and has ended its side': (socket) => socket.end(`GET /session/demo/x HTTP/1.1\r\n${HOST}\r\n`),
  'asks for a protocol that nobody speaks': (socket) =>
    socket.write(`GET /session/demo/x HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: line-chat\r\n\r\n`),
  'pipelines without reading': (socket) => {
    socket.pause().write(`GET /session/never/ HTTP/1.1\r\n${HOST}\r\n`.repeat(500));
  },
  'keeps HTTP/2 streams open, and pings': (socket) => {
    const peer = new Http2Peer(socket);
    const fields = [':method', 'POST', ':path', '/session/demo/x'];
    for (let i = 0; i < 20; i += 1) peer.data(peer.request(fields, false), 'd');
    every(socket, () => peer.send(6, 0, 0, 'stubborn'));
  },
};

function drip(socket: Socket, first: string, more: string): void {
  socket.write(first);
  every(socket, () => socket.write(more));
}

function every(socket: Socket, act: () => void): void {
  const timer = setInterval(act, DRIP_MS);
  socket.once('close', () => clearInterval(timer));
}

function visitor(t: TestContext, url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true }).on('error', () => {});
  t.after(() => socket.destroy());
  return socket;
}

/** Visitors of the port for TLS: a handshake that stops, and one that is whole and then silent. */
function atTls(t: TestContext, { tls }: Stack): void {
  visitor(t, tls!).write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
  const { hostname, port } = new URL(tls!);
  const options = { host: hostname, port: Number(port), servername: 'localhost', rejectUnauthorized: false };
  const secure = connectSecurely({ ...options, ALPNProtocols: ['h2', 'http/1.1'] });
  secure.on('error', () => {}).on('end', () => {});
  t.after(() => secure.destroy());
}

void describe('a drain under attack', skip, () => {
  for (const { shape, isSplit } of SHAPES) {
    it(`ends soon behind its limit, with 0 (${shape})`, async (t) => {
      const authority = new TestAuthority();
      t.after(() => authority.remove());
      const folder = certificateFolder(authority);
      putPair(folder, 'edge', authority.issue('edge', { names: 'DNS:localhost' }));
      // It takes connections, and says nothing on them.
      const backend = await startRawBackend();
      t.after(() => backend.close());
      const limits = ['entry', 'server', 'client'].map((part) => `${part}.drainTimeoutMs=${DRAIN_MS}`);
      const set = [
        ...limits,
        ...PATIENT,
        'entry.http2.cleartext=true',
        `entry.tls.certificates=${folder}`,
        'entry.tls.port=0',
      ];
      const stack = await startStack({ isSplit, backend: backend.url, concurrency: 1_000, set });
      t.after(() => stack.command.signal('SIGKILL'));

      const kinds = Object.values(STUBBORN);
      for (let i = 0; i < EACH; i += 1) {
        for (const act of kinds) act(visitor(t, stack.entry));
        atTls(t, stack);
      }
      const areIn = async () => {
        const open = total(await scrape(stack.admin.entry), 'sallyport_visitor_connections');
        return open >= EACH * (kinds.length + 2) ? true : undefined;
      };
      await eventually(areIn, 'all of them to be in');
      const fromMs = performance.now();
      assert.deepEqual(await stack.command.stop(), { code: 0, signal: null }, stack.command.stderr);
      assert.ok(performance.now() - fromMs < SOON_MS);
      assert.doesNotMatch(stack.command.stderr, /Warning: |Error: /);
    });
  }
});
