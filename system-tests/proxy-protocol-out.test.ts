/** A backend that is told by the PROXY protocol whom each connection is for. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readProxyHeader } from '../apps/proxy-entry/src/visitor/proxy-protocol.ts';
import { startRawBackend } from './harness/raw-backend.ts';
import type { RawBackend } from './harness/raw-backend.ts';
import { useStack } from './harness/stack.ts';
import { dial } from './harness/wire.ts';

const GET = 'GET /session/demo/x HTTP/1.1\r\nHost: visited.example\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n';

for (const proxyProtocol of ['v1', 'v2'] as const) {
  void describe(`a backend that is told of visitors by version ${proxyProtocol}`, () => {
    let backend: RawBackend;
    before(async () => {
      backend = await startRawBackend();
    });
    after(() => backend.close());
    const used = useStack(() => {
      const sessions = [{ id: 'demo', backend: backend.url, proxyProtocol }];
      return { set: [`client.sessions=${JSON.stringify(sessions)}`] };
    });

    it('has each request on a connection of its own, which begins with the visitor’s address', async (t) => {
      const visitor = await dial(used.stack.entry);
      t.after(() => visitor.close());
      for (let i = 0; i < 2; i += 1) {
        visitor.send(GET);
        const far = await backend.accept();
        const head = Buffer.from(await far.readThrough('GET /x HTTP/1.1\r\n'), 'latin1');
        const header = readProxyHeader(head);
        // What the visitor claims of others is not believed.
        const bytes = head.indexOf('GET ');
        assert.deepEqual(header, { kind: 'read', bytes, source: '127.0.0.1' });
        far.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        await visitor.readThrough('\r\n\r\nok');
        await far.readAll();
      }
    });
  });
}
