/** Row 36: what the tunnel answers by itself when it cannot or will not ask the backend. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Deployment } from '../harness/deployment.ts';
import { eventually } from '../harness/deadline.ts';
import { scrape, total } from '../harness/metrics.ts';
import { assertProblem } from '../harness/problem.ts';
import type { Expected, ProblemBody } from '../harness/problem.ts';
import { visit } from '../harness/visit.ts';
import { dial, valuesOf } from '../harness/wire.ts';
import type { Wire } from '../harness/wire.ts';
import { GET, GET_1_0, HEAD, POST } from './far-end.ts';
import { loggedLine } from './heads.ts';
import { ownStack } from './own-stack.ts';
import { conformance } from './rows.ts';

const NO_SESSION = { status: 404, code: 'SP_NO_SESSION', hop: 'entry', error: 'destination_not_found' };
const NO_ROUTE = { status: 404, code: 'SP_NO_ROUTE', hop: 'entry', error: 'destination_not_found' };
const NO_METHOD = { status: 405, code: 'SP_METHOD_NOT_ALLOWED', hop: 'entry', error: 'http_request_denied' };
const NO_CLIENT = { status: 503, code: 'SP_NO_CLIENT', hop: 'link', error: 'destination_unavailable' };
const NO_SERVER = { status: 503, code: 'SP_NO_SERVER', hop: 'uplink', error: 'destination_unavailable' };
const LATE = { status: 503, code: 'SP_QUEUE_TIMEOUT', hop: 'queue', error: 'connection_limit_reached' };
const REFUSED = { status: 502, code: 'SP_BACKEND_REFUSED', hop: 'backend', error: 'connection_refused' };
const RESET = { status: 502, code: 'SP_BACKEND_RESET', hop: 'backend', error: 'connection_terminated' };
const HUNG = { status: 504, code: 'SP_BACKEND_TIMEOUT', hop: 'backend', error: 'http_response_timeout' };
/** Nobody listens there. */
const CLOSED_PORT = 'http://127.0.0.1:1';
const LOGGED = ['log.accessLog=true', 'log.level=info'];
const ONE_SLOT = ['client.concurrency=1', 'server.queue.timeoutMs=400'];

/** The visitor is answered with this problem, whole. */
async function readOwn(visitor: Wire, expected: Expected): Promise<ProblemBody> {
  const { first, fields } = await visitor.readHead();
  const body = await visitor.read(Number(valuesOf(fields, 'content-length')[0] ?? 0));
  const [, status = '', ...reason] = first.split(' ');
  const answer = { status: Number(status), reason: reason.join(' '), fields, body, isWhole: true };
  return assertProblem(answer, expected);
}

conformance('Answers of our own', [...LOGGED, ...ONE_SLOT, 'client.backendHeadTimeoutMs=700'], (row) => {
  row(
    36,
    'answers 404 where the address names no session or one that nobody has, and goes on with the connection',
    async ({ visit, stack }) => {
      const visitor = await visit();
      visitor.send('GET /session/nobody/ HTTP/1.1\r\nHost: visited.example\r\n\r\n');
      const { requestId } = await readOwn(visitor, NO_SESSION);
      for (const path of [
        '/',
        '/session',
        '/session/',
        '/session/Not_A_Name/',
        '/%73ession/demo/',
        '//session/demo/',
      ]) {
        visitor.send(`GET ${path} HTTP/1.1\r\nHost: visited.example\r\n\r\n`);
        await readOwn(visitor, NO_ROUTE);
      }
      const { status, code, cause } = await loggedLine(stack, requestId);
      assert.deepEqual([status, code, cause], [404, 'SP_NO_SESSION', 'No such session']);
    },
  );

  row(
    36,
    'answers 308 to a session without its slash, with the query, and 405 with Allow to TRACE',
    async ({ visit }) => {
      const visitor = await visit();
      visitor.send('GET /session/demo?a=1 HTTP/1.1\r\nHost: visited.example\r\n\r\n');
      const { first, fields } = await visitor.readHead();
      assert.match(first, /^HTTP\/1\.1 308 /);
      assert.deepEqual(valuesOf(fields, 'location'), ['/session/demo/?a=1']);
      visitor.send(GET.replace('GET', 'TRACE'));
      await readOwn(visitor, NO_METHOD);
    },
  );

  row(36, 'answers 503 and Retry-After to who waited too long for a slot', async (bench) => {
    const [served, waits] = [await bench.visit(), await bench.visit()];
    // One byte is missing: its slot is held for as long as it takes.
    served.send(`${POST}Content-Length: 5\r\n\r\nonce`);
    const far = await bench.backend.accept();
    await far.readHead();
    waits.send(GET);
    const { requestId } = await readOwn(waits, LATE);
    const metrics = await scrape(bench.stack.admin.server);
    assert.equal(total(metrics, 'sallyport_limit_hits_total', 'limit="queue-timeout"'), 1);
    assert.equal((await loggedLine(bench.stack, requestId))['cause'], 'No slot came free in time');
    served.reset();
    await far.readAll();
  });

  row(
    36,
    'answers 502 where the backend resets before it answers, and 504 where it does not answer in time',
    async ({ visit, backend, stack }) => {
      const uploading = await visit();
      // One byte is missing: the backend's time runs from the end of the request on.
      uploading.send(`${POST}Content-Length: 5\r\n\r\nonce`);
      const cutting = await backend.accept();
      await cutting.readThrough('once');
      cutting.reset();
      await readOwn(uploading, RESET);
      const visitor = await visit();
      visitor.send(GET);
      const hanging = await backend.accept();
      const { requestId } = await readOwn(visitor, HUNG);
      await hanging.readAll();
      assert.equal((await loggedLine(stack, requestId))['cause'], 'The backend did not answer in time');
      hanging.close();
    },
  );

  row(36, 'answers 502 where nobody listens at the backend, to every method and to an upgrade', async (bench, t) => {
    const { entry, command } = await ownStack(t, bench, { backend: CLOSED_PORT });
    const visitor = await dial(entry);
    t.after(() => visitor.close());
    const upgrade = GET.replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: line-chat\r\n\r\n');
    for (const request of [GET, `${POST}Content-Length: 4\r\n\r\nonce`, upgrade]) {
      visitor.send(request);
      await readOwn(visitor, REFUSED);
    }
    assert.deepEqual(await command.stop(), { code: 0, signal: null });
  });

  row(
    36,
    'answers HEAD with the head of the problem alone, and HTTP/1.0 with all of it and an end',
    async ({ visit }) => {
      const visitor = await visit();
      visitor.send(HEAD.replace('/demo/', '/nobody/'));
      const { first, fields } = await visitor.readHead();
      assert.match(first, /^HTTP\/1\.1 404 /);
      assert.ok(Number(valuesOf(fields, 'content-length')[0]) > 100);
      visitor.send(GET.replace('/demo/', '/nobody/'));
      await readOwn(visitor, NO_SESSION);
      const old = await visit();
      old.send(GET_1_0.replace('/demo/', '/nobody/'));
      await readOwn(old, NO_SESSION);
      assert.deepEqual(await old.readAll(), { bytes: Buffer.alloc(0), how: 'end' });
    },
  );
});

/** The same in either shape: server, entry and client are commands of their own. */
function row(number: number, sentence: string, body: () => Promise<void>): void {
  void it(`${number}. ${sentence}`, body);
}

describe('Answers of our own, where a part of the tunnel is missing', () => {
  let tunnel: Deployment;
  before(async () => {
    tunnel = await Deployment.start({ clients: 0, concurrency: 10, set: ['entry.sessionSyncTimeoutMs=200'] });
  });
  after(() => tunnel.stop());

  row(36, 'answers 503 and Retry-After where the session is known and no client is connected', async () => {
    assertProblem(await visit(`${tunnel.url}x`), NO_CLIENT);
  });

  row(36, 'answers 503 and Retry-After where no server is connected', async () => {
    tunnel.server.command.signal('SIGKILL');
    await tunnel.server.command.ended;
    const answer = await eventually(async () => {
      const { status, ...rest } = await visit(`${tunnel.url}x`);
      return rest.body.includes('SP_NO_SERVER') ? { status, ...rest } : undefined;
    }, 'the entry to miss its server');
    assertProblem(answer, NO_SERVER);
  });
});
