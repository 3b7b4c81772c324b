/** A visitor that goes away is noticed at the backend, and leaves nothing behind on the way. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from './harness/deadline.ts';
import { scrape, total } from './harness/metrics.ts';
import { startRawBackend } from './harness/raw-backend.ts';
import type { RawBackend } from './harness/raw-backend.ts';
import { SHAPES, useStack } from './harness/stack.ts';
import { visit } from './harness/visit.ts';
import { dial } from './harness/wire.ts';
import type { Wire } from './harness/wire.ts';

const MIB = 1024 * 1024;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
/** Over the ceiling of all waits: nobody leaves the queue because it is late. */
const LONG_QUEUE = 'server.queue.timeoutMs=30000';
/** More than all windows and sockets on the way can hold. */
const ENDLESS = 'HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n';

for (const { shape, isSplit } of SHAPES) {
  describe(`a visitor of ${shape} that goes away`, () => {
    let backend: RawBackend;
    before(async () => {
      backend = await startRawBackend();
    });
    after(() => backend.close());
    const tunnel = useStack(() => ({ isSplit, backend: backend.url, concurrency: 1, set: [LONG_QUEUE] }));

    async function ask(request: string): Promise<Wire> {
      const visitor = await dial(tunnel.stack.url);
      visitor.send(request);
      return visitor;
    }

    /** The one slot is free again: another request is served. */
    async function assertServes(): Promise<void> {
      const answer = visit(`${tunnel.stack.url}next`);
      const far = await backend.accept();
      assert.match((await far.readHead()).first, /^GET \/next /);
      far.send(OK);
      assert.equal((await answer).status, 200);
      far.close();
    }

    for (const leave of ['close', 'reset'] as const) {
      it(`by a ${leave} while it waits for the answer: the backend request is cancelled`, async () => {
        const visitor = await ask(get('/slow'));
        const far = await backend.accept();
        await far.readHead();
        visitor[leave]();
        await far.readAll();
        await assertServes();
      });

      it(`by a ${leave} in the midst of a download: the backend request is cancelled`, async () => {
        const visitor = await ask(get('/big'));
        const far = await backend.accept();
        await far.readHead();
        far.send(`${ENDLESS}begin`);
        await visitor.readThrough('begin');
        visitor[leave]();
        await far.readAll();
        await assertServes();
      });

      it(`by a ${leave} in the midst of an upload: the backend request is cancelled`, async () => {
        const visitor = await ask(`${post(MIB)}begin`);
        const far = await backend.accept();
        await far.readThrough('begin');
        visitor[leave]();
        await far.readAll();
        await assertServes();
      });
    }

    it('while it reads nothing of a long download: the backend was held up, and is let go', async () => {
      const visitor = await ask(get('/big'));
      visitor.socket.pause();
      const far = await backend.accept();
      await far.readHead();
      far.send(ENDLESS);
      const chunk = Buffer.alloc(MIB);
      // Until nobody takes any more: the windows are full all the way.
      while (await isTaken(far, chunk));
      visitor.reset();
      await far.readAll();
      await assertServes();
    });

    it('while it waits in the queue: the backend never hears of it', async () => {
      const first = visit(`${tunnel.stack.url}first`);
      const far = await backend.accept();
      await far.readHead();
      const second = await ask(get('/second'));
      await untilWaiting(1);
      second.close();
      await untilWaiting(0);
      far.send(OK);
      assert.equal((await first).status, 200);
      far.close();
      await assertServes();
    });

    async function untilWaiting(requests: number): Promise<void> {
      await eventually(async () => {
        const waiting = total(await scrape(tunnel.stack.admin.server), 'sallyport_queue_length');
        return waiting === requests ? true : undefined;
      }, `${requests} requests in the queue`);
    }
  });
}

function get(path: string): string {
  return `GET /session/demo${path} HTTP/1.1\r\nHost: visited.example\r\n\r\n`;
}

function post(bytes: number): string {
  return `POST /session/demo/up HTTP/1.1\r\nHost: visited.example\r\nContent-Length: ${bytes}\r\n\r\n`;
}

const TAKEN_WITHIN_MS = 500;

/** False when the other side has not taken the chunk in this time. */
function isTaken(wire: Wire, chunk: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), TAKEN_WITHIN_MS);
    wire.socket.write(chunk, () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
