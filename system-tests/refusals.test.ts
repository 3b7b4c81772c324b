/** What the tunnel answers by itself when it cannot or will not ask the backend. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from './harness/deadline.ts';
import { scrape, total } from './harness/metrics.ts';
import { assertProblem } from './harness/problem.ts';
import { startRawBackend } from './harness/raw-backend.ts';
import type { RawBackend } from './harness/raw-backend.ts';
import { SHAPES, useStack } from './harness/stack.ts';
import { visit } from './harness/visit.ts';
import { dial } from './harness/wire.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const FULL = { status: 503, code: 'SP_QUEUE_FULL', hop: 'queue', error: 'connection_limit_reached' };
const LATE = { status: 503, code: 'SP_QUEUE_TIMEOUT', hop: 'queue', error: 'connection_limit_reached' };

for (const { shape, isSplit } of SHAPES) {
  describe(`refusals of ${shape}`, () => {
    let backend: RawBackend;
    before(async () => {
      backend = await startRawBackend();
    });
    after(() => backend.close());
    const set = ['server.queue.limit=1', 'server.queue.timeoutMs=400'];
    const tunnel = useStack(() => ({ isSplit, backend: backend.url, concurrency: 1, set }));

    it('no such session: 404', async () => {
      const answer = await visit(`${tunnel.stack.entry}/session/nobody/`);
      assertProblem(answer, { status: 404, code: 'SP_NO_SESSION', hop: 'entry', error: 'destination_not_found' });
    });

    it('a path that names no session: 404', async () => {
      for (const path of [
        '/',
        '/session',
        '/session/',
        '/session/Not_A_Name/',
        '/%73ession/demo/',
        '//session/demo/',
      ]) {
        const answer = await visit(tunnel.stack.entry + path);
        assertProblem(answer, { status: 404, code: 'SP_NO_ROUTE', hop: 'entry', error: 'destination_not_found' });
      }
    });

    it('a session without its slash: 308 to the one with it, the query kept', async () => {
      const { status, fields } = await visit(`${tunnel.stack.entry}/session/demo?a=1`, { method: 'POST' });
      assert.equal(status, 308);
      assert.equal(fields[fields.indexOf('Location') + 1], '/session/demo/?a=1');
    });

    it('TRACE: 405', async () => {
      const answer = await visit(tunnel.stack.url, { method: 'TRACE' });
      assertProblem(answer, { status: 405, code: 'SP_METHOD_NOT_ALLOWED', hop: 'entry', error: 'http_request_denied' });
    });

    it('no slot: the queue full at once, then late for who waits; the one with the slot is served', async () => {
      const served = visit(`${tunnel.stack.url}served`);
      const far = await backend.accept();
      await far.readHead();
      const waits = visit(`${tunnel.stack.url}waits`);
      await eventually(async () => {
        const waiting = total(await scrape(tunnel.stack.admin.server), 'sallyport_queue_length');
        return waiting === 1 ? true : undefined;
      }, 'a request in the queue');
      assertProblem(await visit(`${tunnel.stack.url}too-many`), FULL);
      assertProblem(await waits, LATE);
      far.send(OK);
      assert.equal((await served).body.toString(), 'ok');
      const metrics = await scrape(tunnel.stack.admin.server);
      assert.equal(total(metrics, 'sallyport_limit_hits_total', 'limit="queue"'), 1);
      assert.equal(total(metrics, 'sallyport_limit_hits_total', 'limit="queue-timeout"'), 1);
      far.close();
    });

    it('who waits gets the slot that comes free', async () => {
      const first = visit(`${tunnel.stack.url}first`);
      const far = await backend.accept();
      await far.readHead();
      const second = visit(`${tunnel.stack.url}second`);
      far.send(OK);
      assert.equal((await first).status, 200);
      assert.match((await far.readHead()).first, /^GET \/second /);
      far.send(OK);
      assert.equal((await second).status, 200);
      far.close();
    });

    for (const [what, bytes, status] of [
      ['garbage', '\x16\x03\x01 not HTTP at all\r\n\r\n', 400],
      ['a request without Host', 'GET /session/demo/ HTTP/1.1\r\n\r\n', 400],
      ['two Hosts', 'GET /session/demo/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
      ['two lengths', 'POST /session/demo/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
      ['a head over 64 KiB', `GET /session/demo/ HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(70_000)}\r\n\r\n`, 431],
    ] as const) {
      it(`a visitor that sends ${what}: ${status}, and the connection ends`, async () => {
        const visitor = await dial(tunnel.stack.url);
        visitor.send(bytes);
        const { first } = await visitor.readHead();
        assert.match(first, new RegExp(`^HTTP/1\\.1 ${status} `));
        assert.match((await visitor.readAll()).bytes.toString(), /"code":"SP_/);
        visitor.close();
      });
    }
  });
}
