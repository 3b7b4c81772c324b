import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { assertKeptAlive } from '../../../../packages/protocol/src/testing/tcp-timer.ts';
import { Dialling } from './dialling.ts';

describe('a socket to a backend', () => {
  for (const scheme of ['http', 'https'] as const) {
    it(`has the kernel ask whether the host is there still: a slot must not wait for one that is gone (${scheme})`, async (t) => {
      if (process.platform !== 'linux') return t.skip('only Linux shows it');
      const backend = createServer((accepted) => accepted.on('error', () => {})).listen(0, '127.0.0.1');
      t.after(() => backend.close());
      await once(backend, 'listening');
      const { port } = backend.address() as AddressInfo;
      const dialling = new Dialling({ ...OPTIONS, url: `${scheme}://127.0.0.1:${port}` }, 'http/1.1');
      const socket = dialling.dial();
      t.after(() => socket.destroy());
      await once(socket, 'connect');
      assert.ok(socket.localPort !== undefined);
      assertKeptAlive(socket.localPort, port);
    });
  }
});

const OPTIONS = {
  ca: undefined,
  serverName: undefined,
  connectTimeoutMs: 10_000,
  headTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
  connections: 1,
  headBytes: 65_536,
  proxyProtocol: 'off' as const,
};
