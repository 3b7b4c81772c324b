/** Backends that fail: a typed error where the answer had not begun, a visible cut where it had, and a tunnel that lives on. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertProblem } from './harness/problem.ts';
import { startRawBackend } from './harness/raw-backend.ts';
import type { RawBackend } from './harness/raw-backend.ts';
import { SHAPES, useStack } from './harness/stack.ts';
import { visit } from './harness/visit.ts';
import { dial } from './harness/wire.ts';
import type { Wire } from './harness/wire.ts';

const RESET = { status: 502, code: 'SP_BACKEND_RESET', hop: 'backend', error: 'connection_terminated' };
const BAD_HEAD = { status: 502, code: 'SP_BAD_HEAD', hop: 'backend', error: 'http_protocol_error' };
const LATE = { status: 504, code: 'SP_BACKEND_TIMEOUT', hop: 'backend', error: 'http_response_timeout' };
const REFUSED = { status: 502, code: 'SP_BACKEND_REFUSED', hop: 'backend', error: 'connection_refused' };
const UPGRADE = { Connection: 'Upgrade', Upgrade: 'line-chat' };

for (const { shape, isSplit } of SHAPES) {
  describe(`backend faults behind ${shape}`, () => {
    let backend: RawBackend;
    before(async () => {
      backend = await startRawBackend();
    });
    after(() => backend.close());
    const tunnel = useStack(() => ({ isSplit, backend: backend.url, set: ['client.backendHeadTimeoutMs=700'] }));

    /** A connection at the backend on which a request has come in. */
    async function asked(): Promise<Wire> {
      const far = await backend.accept();
      await far.readHead();
      return far;
    }

    it('a POST that the backend cuts before it answers is not sent again: 502', async () => {
      const answer = visit(`${tunnel.stack.url}cut`, { method: 'POST', body: 'once' });
      const far = await asked();
      await far.readThrough('once');
      far.reset();
      assertProblem(await answer, RESET);
    });

    it('a GET that the backend cuts before it answers is sent once more', async () => {
      const answer = visit(`${tunnel.stack.url}cut`);
      (await asked()).reset();
      const far = await asked();
      far.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond');
      assert.equal((await answer).body.toString(), 'second');
      far.close();
    });

    it('a GET that the backend cuts twice: 502', async () => {
      const answer = visit(`${tunnel.stack.url}cut`);
      (await asked()).reset();
      (await asked()).reset();
      assertProblem(await answer, RESET);
    });

    it('an answer that breaks off in its body is a cut, with a length and without', async () => {
      for (const head of ['Content-Length: 100', 'Transfer-Encoding: chunked']) {
        const answer = visit(`${tunnel.stack.url}cut`);
        const far = await asked();
        far.send(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n8\r\nand then`);
        far.reset();
        const { status, isWhole } = await answer.catch(() => ({ status: 0, isWhole: false }));
        assert.equal(isWhole, false, `${status}`);
      }
    });

    for (const [what, bytes] of [
      ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n'],
      ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx'],
      ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
      ['a NUL in a field', 'HTTP/1.1 200 OK\r\nX-Odd: a\0b\r\nContent-Length: 0\r\n\r\n'],
      ['a head over 64 KiB', `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(70_000)}\r\n\r\n`],
    ] as const) {
      it(`a backend that answers with ${what}: 502`, async () => {
        const answer = visit(`${tunnel.stack.url}odd`, { method: 'POST', body: 'x' });
        const far = await asked();
        far.send(bytes);
        assertProblem(await answer, BAD_HEAD);
        far.close();
      });
    }

    it('a backend that hangs: 504, and its connection is closed', async () => {
      const answer = visit(`${tunnel.stack.url}hang`);
      const far = await asked();
      assertProblem(await answer, LATE);
      await far.readAll();
    });

    it('the same faults on a request that asks for an upgrade', async () => {
      const cut = visit(`${tunnel.stack.url}chat`, { method: 'GET', fields: UPGRADE });
      (await asked()).reset();
      (await asked()).reset();
      assertProblem(await cut, RESET);
      const odd = visit(`${tunnel.stack.url}chat`, { fields: UPGRADE });
      (await asked()).send('SSH-2.0-OpenSSH_9.2\r\n');
      assertProblem(await odd, BAD_HEAD);
    });

    it('a backend that hangs serves others meanwhile', async () => {
      const hanging = await dial(tunnel.stack.url);
      hanging.send('GET /session/demo/hang HTTP/1.1\r\nHost: visited.example\r\n\r\n');
      const far = await asked();
      const other = visit(`${tunnel.stack.url}other`);
      const served = await asked();
      served.send('HTTP/1.1 204 No Content\r\n\r\n');
      assert.equal((await other).status, 204);
      hanging.close();
      await far.readAll();
      served.close();
    });

    it('a backend that is not there: 502', async () => {
      await backend.close();
      assertProblem(await visit(`${tunnel.stack.url}gone`), REFUSED);
      assertProblem(await visit(`${tunnel.stack.url}gone`, { method: 'POST', body: 'x' }), REFUSED);
      assertProblem(await visit(`${tunnel.stack.url}gone`, { fields: UPGRADE }), REFUSED);
    });
  });
}
