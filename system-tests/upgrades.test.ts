/** Connections that stop being HTTP and are no WebSocket: bytes, in both directions, each with an end of its own. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startRawBackend } from './harness/raw-backend.ts';
import type { RawBackend } from './harness/raw-backend.ts';
import { SHAPES, useStack } from './harness/stack.ts';
import { dial, valuesOf } from './harness/wire.ts';
import type { Wire } from './harness/wire.ts';

const UPGRADE =
  'GET /session/demo/chat HTTP/1.1\r\nHost: visited.example\r\nConnection: Upgrade\r\nUpgrade: line-chat\r\n\r\n';
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: line-chat\r\n\r\n';

for (const { shape, isSplit } of SHAPES) {
  describe(`an upgrade to something else through ${shape}`, () => {
    let backend: RawBackend;
    before(async () => {
      backend = await startRawBackend();
    });
    after(() => backend.close());
    const tunnel = useStack(() => ({ isSplit, backend: backend.url }));

    async function ask(): Promise<{ visitor: Wire; far: Wire; fields: readonly string[] }> {
      const visitor = await dial(tunnel.stack.url);
      visitor.send(UPGRADE);
      const far = await backend.accept();
      const { fields } = await far.readHead();
      return { visitor, far, fields };
    }

    async function upgrade(behind = ''): Promise<{ visitor: Wire; far: Wire }> {
      const { visitor, far } = await ask();
      far.send(SWITCHING + behind);
      assert.equal((await visitor.readHead()).first, 'HTTP/1.1 101 Switching Protocols');
      return { visitor, far };
    }

    it('asks the backend for the token that the visitor asked for', async () => {
      const { visitor, far, fields } = await ask();
      assert.deepEqual(valuesOf(fields, 'upgrade'), ['line-chat']);
      assert.match(valuesOf(fields, 'connection').join(), /upgrade/i);
      visitor.close();
      await far.readAll();
    });

    it('passes bytes that come right behind the 101, in one piece with it', async () => {
      const { visitor, far } = await upgrade('hello from the first packet');
      await visitor.readThrough('hello from the first packet');
      visitor.close();
      await far.readAll();
    });

    it('passes bytes that the visitor sent before the 101 came', async () => {
      const { visitor, far } = await ask();
      visitor.send('too eager');
      far.send(SWITCHING);
      await far.readThrough('too eager');
      visitor.close();
      await far.readAll();
    });

    it('keeps a half-close of the visitor: the backend goes on answering', async () => {
      const { visitor, far } = await upgrade();
      visitor.send('question');
      visitor.finish();
      const { bytes, how } = await far.readAll();
      assert.deepEqual([bytes.toString(), how], ['question', 'end']);
      far.send('a long ');
      await visitor.readThrough('a long ');
      far.send('answer');
      far.finish();
      assert.deepEqual(await visitor.readAll(), { bytes: Buffer.from('answer'), how: 'end' });
    });

    it('keeps a half-close of the backend: the visitor goes on sending', async () => {
      const { visitor, far } = await upgrade();
      far.send('goodbye');
      far.finish();
      assert.deepEqual(await visitor.readAll(), { bytes: Buffer.from('goodbye'), how: 'end' });
      visitor.send('last ');
      await far.readThrough('last ');
      visitor.send('words');
      visitor.finish();
      assert.deepEqual(await far.readAll(), { bytes: Buffer.from('words'), how: 'end' });
    });

    for (const [what, answer, body] of [
      ['counted', 'HTTP/1.1 426 Upgrade Required\r\nX-Why: token\r\nContent-Length: 9\r\n\r\nnot today', 'not today'],
      ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nnot today\r\n0\r\n\r\n', 'not today'],
      ['empty', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', ''],
    ] as const) {
      it(`passes a ${what} answer that is no 101 whole`, async () => {
        const { visitor, far } = await ask();
        far.send(answer);
        const { first } = await visitor.readHead();
        assert.equal(first, answer.slice(0, answer.indexOf('\r\n')));
        const { bytes, how } = await visitor.readAll();
        assert.equal(how, 'end');
        assert(bytes.toString().includes(body));
        visitor.close();
        await far.readAll();
      });
    }

    it('passes a backend that is reset as a connection that ends', async () => {
      const { visitor, far } = await upgrade();
      far.send('before');
      await visitor.readThrough('before');
      far.reset();
      await visitor.readAll();
      visitor.close();
    });

    it('tells the backend when the visitor is reset', async () => {
      const { visitor, far } = await upgrade();
      visitor.reset();
      await far.readAll();
    });
  });
}
