/** Bytes pass as they come, both ways, and an answer that was cut never looks whole. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { startRawBackend } from './harness/raw-backend.ts';
import type { RawBackend } from './harness/raw-backend.ts';
import { SHAPES, useStack } from './harness/stack.ts';
import { visit } from './harness/visit.ts';
import { dial, valuesOf } from './harness/wire.ts';
import type { Wire } from './harness/wire.ts';

const CHUNKED = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n';
const EVENTS = CHUNKED.replace('text/plain', 'text/event-stream');
const GET = 'GET /session/demo/stream HTTP/1.1\r\nHost: visited.example\r\n\r\n';
const POST = 'POST /session/demo/upload HTTP/1.1\r\nHost: visited.example\r\n';

for (const { shape, isSplit } of SHAPES) {
  describe(`streaming through ${shape}`, () => {
    let backend: RawBackend;
    before(async () => {
      backend = await startRawBackend();
    });
    after(() => backend.close());
    const tunnel = useStack(() => ({ isSplit, backend: backend.url }));

    /** A request on its way, and both its ends. */
    async function begin(request: string): Promise<{ visitor: Wire; far: Wire; head: string[] }> {
      const visitor = await dial(tunnel.stack.url);
      visitor.send(request);
      const far = await backend.accept();
      const { fields } = await far.readHead();
      return { visitor, far, head: [...fields] };
    }

    it('passes the first chunk while the backend has more to say', async () => {
      const { visitor, far } = await begin(GET);
      far.send(`${CHUNKED}5\r\nfirst\r\n`);
      await visitor.readThrough('5\r\nfirst\r\n');
      far.send('6\r\nsecond\r\n0\r\n\r\n');
      await visitor.readThrough('6\r\nsecond\r\n0\r\n\r\n');
      visitor.close();
      far.close();
    });

    it('passes each server-sent event while the stream is open', async () => {
      const { visitor, far } = await begin(GET);
      far.send(EVENTS);
      await visitor.readHead();
      for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
        far.send(`9\r\n${event}\r\n`);
        await visitor.readThrough(event);
      }
      visitor.close();
      await far.readAll();
    });

    it('passes the first bytes of an upload before its last were sent', async () => {
      const { visitor, far } = await begin(`${POST}Content-Length: 10\r\n\r\nfirst`);
      assert.equal((await far.read(5)).toString(), 'first');
      visitor.send('later');
      assert.equal((await far.read(5)).toString(), 'later');
      far.send('HTTP/1.1 204 No Content\r\n\r\n');
      assert.equal((await visitor.readHead()).first, 'HTTP/1.1 204 No Content');
      visitor.close();
      far.close();
    });

    it('passes a chunked upload chunk by chunk', async () => {
      const { visitor, far, head } = await begin(`${POST}Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n`);
      assert.deepEqual(valuesOf(head, 'transfer-encoding'), ['chunked']);
      await far.readThrough('3\r\none');
      for (const word of ['two', 'six']) {
        visitor.send(`3\r\n${word}\r\n`);
        await far.readThrough(`3\r\n${word}`);
      }
      visitor.send('0\r\n\r\n');
      await far.readThrough('0\r\n\r\n');
      far.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      await visitor.readThrough('\r\n\r\nok');
      visitor.close();
      far.close();
    });

    it('passes an answer that comes before the upload has ended whole, and frees the backend', async () => {
      const { visitor, far } = await begin(`${POST}Content-Length: 1000000\r\n\r\nonly this`);
      await far.readThrough('only this');
      far.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      const { first } = await visitor.readHead();
      assert.equal(first, 'HTTP/1.1 403 Forbidden');
      assert.equal((await visitor.read(2)).toString(), 'no');
      await far.readAll();
      visitor.close();
    });

    for (const [framing, head] of [
      ['counted', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'],
      ['chunked', `${CHUNKED}9\r\n`],
    ] as const) {
      for (const how of ['reset', 'close'] as const) {
        it(`passes a ${framing} answer that a ${how} cut short as a cut, behind what came`, async () => {
          const { visitor, far } = await begin(GET);
          far.send(`${head}some of `);
          await visitor.readThrough('some of ');
          far[how]();
          const { bytes } = await visitor.readAll();
          assert.equal(bytes.toString('latin1').includes('0\r\n\r\n'), false, 'no final chunk');
          visitor.close();
        });
      }
    }

    it('passes an answer that ends with its connection as a whole one', async () => {
      const { visitor, far } = await begin(GET);
      far.send('HTTP/1.1 200 OK\r\n\r\nall of it');
      far.finish();
      assert.match(await visitor.readThrough('0\r\n\r\n'), /all of it/);
      visitor.close();
      far.close();
    });

    it('keeps 8 MiB whole in both directions', async () => {
      const sent = Buffer.alloc(8 * 1024 * 1024, 'the quick brown fox');
      const answer = visit(`${tunnel.stack.url}both`, { method: 'PUT', body: sent });
      const far = await backend.accept();
      const { fields } = await far.readHead();
      const received = await far.read(Number(valuesOf(fields, 'content-length')[0]));
      far.send(`HTTP/1.1 200 OK\r\nContent-Length: ${received.length}\r\n\r\n`);
      far.send(received);
      const { body, isWhole } = await answer;
      assert(isWhole);
      assert.equal(sha256(body), sha256(sent));
      far.close();
    });
  });
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
