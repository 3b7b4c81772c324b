/** Row 37: when a request is sent a second time. Each cut is one before any byte of an answer, unless it says otherwise. */
import assert from 'node:assert/strict';
import { dial } from '../harness/wire.ts';
import type { Wire } from '../harness/wire.ts';
import { GET, POST, readProblem } from './far-end.ts';
import { loggedLine } from './heads.ts';
import { ownStack } from './own-stack.ts';
import { conformance } from './rows.ts';
import type { RowBench } from './rows.ts';
import { assertNothingForwarded } from './refused.ts';

const RESET = { status: 502, code: 'SP_BACKEND_RESET', hop: 'backend', error: 'connection_terminated' };
const REFUSED = { status: 502, code: 'SP_BACKEND_REFUSED', hop: 'backend', error: 'connection_refused' };
const BEGUN = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
/** More than is kept for a second try: the backend has begun to read. */
const LARGE_BYTES = 200_000;
const LOGGED = ['log.accessLog=true', 'log.level=info'];
const CLOSED_PORT = 'http://127.0.0.1:1';

/** The request, as the next connection of the backend reads it. */
async function asked({ backend }: RowBench, through = '\r\n\r\n'): Promise<{ far: Wire; text: string }> {
  const far = await backend.accept();
  return { far, text: await far.readThrough(through) };
}

conformance('The one retry', LOGGED, (row) => {
  row(37, 'sends a GET once more that the backend cut, and its answer is the second', async (bench) => {
    const visitor = await bench.visit();
    visitor.send(GET.replace('\r\n\r\n', '\r\nX-Request-Id: twice\r\n\r\n'));
    const first = await asked(bench);
    first.far.reset();
    const second = await asked(bench);
    assert.equal(second.text, first.text);
    second.far.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecond');
    assert.equal((await visitor.readHead()).first, 'HTTP/1.1 200 OK');
    assert.equal((await visitor.read(6)).toString(), 'second');
    assert.equal((await loggedLine(bench.stack, 'twice'))['attempts'], 2);
    second.far.close();
  });

  row(37, 'sends it no third time: 502', async (bench) => {
    const visitor = await bench.visit();
    visitor.send(GET);
    (await asked(bench)).far.reset();
    (await asked(bench)).far.reset();
    await readProblem(visitor, RESET);
    await assertNothingForwarded(bench);
  });

  row(37, 'sends an idempotent request again with its whole body, counted or chunked', async (bench) => {
    for (const [framing, body] of [
      ['Content-Length: 4', 'once'],
      ['Transfer-Encoding: chunked', '4\r\nonce\r\n0\r\n\r\n'],
    ] as const) {
      const visitor = await bench.visit();
      visitor.send(`${POST.replace('POST', 'PUT')}${framing}\r\n\r\n${body}`);
      const first = await asked(bench, body);
      first.far.reset();
      const second = await asked(bench, body);
      assert.equal(second.text, first.text);
      second.far.send('HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      assert.equal((await visitor.readHead()).first, 'HTTP/1.1 201 Created');
      visitor.close();
      second.far.close();
    }
  });

  row(37, 'sends nothing again that is not idempotent and may have been begun: 502', async (bench) => {
    for (const method of ['POST', 'PATCH', 'put', 'PROPFIND']) {
      const visitor = await bench.visit();
      visitor.send(`${POST.replace('POST', method)}Content-Length: 4\r\n\r\nonce`);
      (await asked(bench, 'once')).far.reset();
      await readProblem(visitor, RESET);
      await assertNothingForwarded(bench);
    }
  });

  row(37, 'sends nothing again of whose answer a byte came, of a 1xx too', async (bench) => {
    const [hinted, begun] = [await bench.visit(), await bench.visit()];
    hinted.send(GET);
    const forHinted = await asked(bench);
    forHinted.far.send(HINTS);
    assert.equal((await hinted.readHead()).first, 'HTTP/1.1 103 Early Hints');
    forHinted.far.reset();
    await readProblem(hinted, RESET);
    begun.send(GET);
    const forBegun = await asked(bench);
    forBegun.far.send(BEGUN);
    await begun.readThrough('begin');
    forBegun.far.reset();
    assert.equal((await begun.readAll()).bytes.toString(), '');
    await assertNothingForwarded(bench);
  });

  row(37, 'sends no PUT again whose body is not kept whole any more: 502', async (bench) => {
    const visitor = await bench.visit();
    visitor.send(`${POST.replace('POST', 'PUT')}Content-Length: ${LARGE_BYTES}\r\n\r\n`);
    visitor.send(Buffer.alloc(LARGE_BYTES - 1, 'x'));
    const { far } = await asked(bench);
    await far.read(LARGE_BYTES - 1);
    far.reset();
    await readProblem(visitor, RESET);
    await assertNothingForwarded(bench);
  });

  row(37, 'sends any method again of which nothing reached the backend', async (bench, t) => {
    const own = await ownStack(t, bench, { backend: CLOSED_PORT, set: LOGGED });
    for (const method of ['GET', 'POST', 'PATCH', 'anything']) {
      const visitor = await dial(own.entry);
      t.after(() => visitor.close());
      visitor.send(`${POST.replace('POST', method)}X-Request-Id: ${method}\r\nContent-Length: 4\r\n\r\nonce`);
      await readProblem(visitor, REFUSED);
      assert.equal((await loggedLine(own, method))['attempts'], 2, method);
    }
    assert.deepEqual(await own.command.stop(), { code: 0, signal: null });
  });

  row(37, 'sends nothing again where retries have used up their share of all requests', async (bench, t) => {
    const set = [...LOGGED, 'entry.retryBudgetPercent=0'];
    const own = await ownStack(t, bench, { backend: bench.backend.url, set });
    const visitor = await dial(own.entry);
    t.after(() => visitor.close());
    visitor.send(GET);
    (await asked(bench)).far.reset();
    await readProblem(visitor, RESET);
    assert.deepEqual(await own.command.stop(), { code: 0, signal: null });
  });
});
