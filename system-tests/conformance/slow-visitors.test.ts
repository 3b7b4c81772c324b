/** Rows 11 and 30 with visitors over HTTP/1.1: who is slow is told so, or cut off, and nobody else pays for it. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Wire } from '../harness/wire.ts';
import { ask, GET, POST } from './far-end.ts';
import { assertLogged, assertNothingForwarded, LOGGED, readRefusal } from './refused.ts';
import { conformance } from './rows.ts';
import type { RowBench } from './rows.ts';

/** All limits of this chapter: long enough for a busy machine, and short enough to wait for. */
const LIMIT_MS = 1_500;
/** Between two bytes of one that drips. */
const DRIP_MS = 100;
const MIB = 1_048_576;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
const SLOW_HEAD = { status: 408, code: 'SP_HEAD_TIMEOUT', cause: 'head-too-slow: ' };
const SLOW_BODY = { status: 408, code: 'SP_BODY_TIMEOUT', cause: 'body-too-slow: ' };
const LIMITS = [
  ...LOGGED,
  `entry.headTimeoutMs=${LIMIT_MS}`,
  'entry.bodyMinBytesPerS=1000',
  `entry.bodyGraceMs=${LIMIT_MS}`,
  `entry.answerStallTimeoutMs=${LIMIT_MS}`,
];

conformance('slow visitors', LIMITS, (row) => {
  row(
    11,
    'A head that takes longer than its limit from its first byte on is answered 408, however often a byte comes',
    async (bench, t) => {
      const visitor = await bench.visit();
      drip(t, visitor, 'GET /session/demo/x HTTP/1.1\r\nHost: a\r\nX: ', 'y');
      const { requestId } = await readRefusal(visitor, SLOW_HEAD, 'a head that drips');
      await assertLogged(bench.stack, requestId, SLOW_HEAD);
      await assertNothingForwarded(bench);
    },
  );

  row(11, 'A connection on which nothing is asked is closed without a word', async (bench) => {
    const visitor = await bench.visit();
    assert.deepEqual(await visitor.readAll(), { bytes: Buffer.alloc(0), how: 'end' });
  });

  row(
    11,
    'A body slower than its minimum rate is answered 408, and the backend has no whole request',
    async (bench, t) => {
      const { visitor, far } = await ask(bench, `${POST}${CHUNKED}\r\n`);
      drip(t, visitor, '1\r\n', 'x\r\n1\r\n');
      const { requestId } = await readRefusal(visitor, SLOW_BODY, 'a body that drips');
      await assertLogged(bench.stack, requestId, SLOW_BODY);
      assert.doesNotMatch((await far.readAll()).bytes.toString('latin1'), /0\r\n\r\n$/);
      far.close();
    },
  );

  row(11, 'A body costs its visitor no time while the backend does not read it', async (bench, t) => {
    const { visitor, far } = await ask(bench, `${POST}Content-Length: ${16 * MIB}\r\n\r\n`);
    far.socket.pause();
    visitor.send(Buffer.alloc(16 * MIB));
    await untilAnotherIsLate(bench, t);
    far.socket.resume();
    // Piece by piece: a wire puts together anew what is not read.
    for (let i = 0; i < 16; i += 1) await far.read(MIB);
    far.send(OK);
    assert.match(await visitor.readThrough('ok'), /^HTTP\/1\.1 200 OK\r\n/);
    far.close();
  });

  row(
    11,
    'A body costs its visitor no time once the answer has begun, nor while it waits for a 100',
    async (bench, t) => {
      const answered = await ask(bench, `${POST}${CHUNKED}\r\n`);
      answered.far.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n`);
      await answered.visitor.readHead();
      const expecting = await ask(bench, `${POST}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n`);
      await untilAnotherIsLate(bench, t);
      answered.visitor.send('4\r\nbody\r\n0\r\n\r\n');
      await answered.far.readThrough('4\r\nbody\r\n0\r\n\r\n');
      answered.far.send('0\r\n\r\n');
      assert.deepEqual((await answered.visitor.readAll()).bytes.toString(), '0\r\n\r\n');
      expecting.visitor.send('body');
      await expecting.far.readThrough('body');
      expecting.far.send(OK);
      assert.match(await expecting.visitor.readThrough('ok'), /^HTTP\/1\.1 200 OK\r\n/);
      answered.far.close();
      expecting.far.close();
    },
  );

  row(
    30,
    'A visitor that takes nothing of its answer is reset at its limit, and a quiet answer is not',
    async (bench) => {
      const quiet = await ask(bench, GET);
      quiet.far.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n`);
      await quiet.visitor.readHead();
      const { visitor, far } = await ask(bench, GET);
      visitor.socket.pause();
      far.send(`HTTP/1.1 200 OK\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
      far.send(Buffer.alloc(64 * MIB));
      await far.readAll();
      visitor.socket.resume();
      assert.equal((await visitor.readAll()).how, 'reset');
      quiet.far.send('5\r\nthere\r\n0\r\n\r\n');
      assert.equal(await quiet.visitor.readThrough('0\r\n\r\n'), '5\r\nthere\r\n0\r\n\r\n');
      far.close();
      quiet.far.close();
    },
  );
});

/** Sends `first`, and then `drop` now and then, until the test ends. */
function drip(t: TestContext, wire: Wire, first: string, drop: string): void {
  wire.send(first);
  const timer = setInterval(() => {
    if (wire.socket.writable) wire.send(drop);
  }, DRIP_MS);
  t.after(() => clearInterval(timer));
}

/** A body that begins now and drips is over its limit: so would be those that began before, if they were judged. */
async function untilAnotherIsLate(bench: RowBench, t: TestContext): Promise<void> {
  const { visitor, far } = await ask(bench, `${POST}${CHUNKED}\r\n`);
  drip(t, visitor, '1\r\n', 'x\r\n1\r\n');
  await readRefusal(visitor, SLOW_BODY, 'a body that drips');
  far.close();
}
