/** Rows 26, 28, 29 and 32 with visitors over HTTP/1.1: what comes when, and what happens when somebody leaves. */
import assert from 'node:assert/strict';
import { eventually, within } from '../harness/deadline.ts';
import { scrape, total } from '../harness/metrics.ts';
import { valuesOf } from '../harness/wire.ts';
import type { Wire } from '../harness/wire.ts';
import { ask, GET, GET_1_0, POST, readProblem } from './far-end.ts';
import { assertNothingForwarded, assertRefused, LOGGED, readRefusal } from './refused.ts';
import { conformance } from './rows.ts';
import type { RowBench } from './rows.ts';

const KIB = 1_024;
const MIB = 1_024 * KIB;
const EXPECT = 'Expect: 100-continue\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
/** On a connection that is not used again. */
const LAST_OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
const TOO_MUCH = 'HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\n\r\nno';
/** Where a connection is used again it is not closed for being idle, however late the next request comes. */
const KEPT = 'client.backendIdleTimeoutMs=60000';
const FULL = { status: 503, code: 'SP_QUEUE_FULL', hop: 'queue', error: 'connection_limit_reached' };
/** More than all windows and sockets on the way can hold. */
const ENDLESS = 'HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n';
/** Read of an upload behind its answer. */
const UNWANTED_BYTES = 256 * KIB;

conformance('visitors’ messages', [...LOGGED, KEPT], (row) => {
  row(26, 'Every 1xx reaches the visitor as it came and in order, repeated 103 too', async (bench) => {
    const { visitor, far } = await ask(bench, GET);
    const hints = [
      '103 Early Hints\r\nLink: </a>; rel=preload',
      '102 Processing',
      '103 Again\r\nLink: </b>\r\nLINK: </c>',
    ];
    for (const hint of hints) {
      far.send(`HTTP/1.1 ${hint}\r\n\r\n`);
      // At once, each: nothing of the answer is there yet.
      assert.equal(await visitor.readThrough('\r\n\r\n'), `HTTP/1.1 ${hint}\r\n\r\n`);
    }
    far.send(OK);
    assert.match((await visitor.readHead()).first, /^HTTP\/1\.1 200 /);
    far.close();
  });

  row(26, 'No 1xx reaches HTTP/1.0', async (bench) => {
    const { visitor, far } = await ask(bench, GET_1_0);
    far.send(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${CONTINUE}${OK}`);
    assert.match((await visitor.readAll()).bytes.toString('latin1'), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
    far.close();
  });

  row(26, 'A visitor that expects 100 has the one of the backend, and sends its body only then', async (bench) => {
    for (const framing of ['Content-Length: 5\r\n', CHUNKED]) {
      const { visitor, far, head } = await ask(bench, `${POST}${EXPECT}${framing}\r\n`);
      assert.deepEqual(valuesOf(head.fields, 'expect'), ['100-continue']);
      far.send(CONTINUE);
      assert.equal(await visitor.readThrough('\r\n\r\n'), CONTINUE);
      visitor.send(framing === CHUNKED ? '5\r\nhello\r\n0\r\n\r\n' : 'hello');
      await far.readThrough(framing === CHUNKED ? '5\r\nhello\r\n0\r\n\r\n' : 'hello');
      far.send(OK);
      assert.match(await visitor.readThrough('ok'), /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: keep-alive\r\n/);
      far.close();
    }
  });

  row(26, 'A visitor that expects 100 and is tired of waiting for it sends its body, and is served', async (bench) => {
    const { visitor, far } = await ask(bench, `${POST}${EXPECT}Content-Length: 5\r\n\r\n`);
    visitor.send('hello');
    await far.readThrough('hello');
    far.send(OK);
    assert.match(await visitor.readThrough('ok'), /^HTTP\/1\.1 200 OK\r\n/);
    far.close();
  });

  row(
    26,
    'A refusal of a backend that said no 100 comes back without the body, and the connection ends',
    async (bench) => {
      const { visitor, far } = await ask(bench, `${POST}${EXPECT}Content-Length: ${MIB}\r\n\r\n`);
      far.send(TOO_MUCH);
      const { bytes } = await visitor.readAll();
      assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 413 Too Much\r\n[^]*\r\nConnection: close\r\n[^]*\r\nno$/);
      assert.equal((await far.readAll()).bytes.length, 0);
      far.close();
    },
  );

  row(26, 'An expectation that is not 100-continue is answered 417', (bench) =>
    assertRefused(bench, [
      [`${POST}Expect: 200-ok\r\nContent-Length: 5\r\n\r\n`, { status: 417, code: 'SP_EXPECTATION' }],
      [`${POST}Expect: 100-continue, more\r\nContent-Length: 5\r\n\r\n`, { status: 417, code: 'SP_EXPECTATION' }],
      [`${POST}${EXPECT}Expect: x\r\n${CHUNKED}\r\n`, { status: 417, code: 'SP_EXPECTATION' }],
      [GET.replace('Host', 'Expect: x\r\nHost'), { status: 417, code: 'SP_EXPECTATION', keeps: true }],
    ]),
  );

  row(28, 'An answer before the end of the upload comes whole, says close, and little more is read', async (bench) => {
    const { visitor, far } = await ask(bench, `${POST}Content-Length: ${100 * MIB}\r\n\r\nbegin`);
    await far.readThrough('begin');
    const long = 'x'.repeat(MIB);
    far.send(`HTTP/1.1 403 No\r\nContent-Length: ${long.length}\r\n\r\n${long}`);
    const head = await visitor.readHead();
    assert.deepEqual([head.first, valuesOf(head.fields, 'connection')], ['HTTP/1.1 403 No', ['close']]);
    assert.equal((await visitor.read(MIB)).toString(), long);
    const sent = await pushUntilClosed(visitor);
    // What the kernel holds on both sides, and the limit.
    assert.ok(sent < UNWANTED_BYTES + 16 * MIB, `${sent} bytes were taken`);
    await far.readAll();
    far.close();
  });

  row(
    28,
    'An answer before the end of a chunked upload comes whole, also where all of it comes at once',
    async (bench) => {
      const { visitor, far } = await ask(bench, `${POST}${CHUNKED}\r\n5\r\nbegin\r\n`);
      await far.readThrough('begin\r\n');
      far.send(TOO_MUCH);
      const { bytes, how } = await visitor.readAll();
      assert.equal(how, 'end');
      assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 413 Too Much\r\n[^]*\r\nConnection: close\r\n[^]*\r\nno$/);
      await far.readAll();
      far.close();
    },
  );

  row(28, 'An upload that goes on while it is answered is passed on to its end', async (bench) => {
    const { visitor, far } = await ask(bench, `${POST}${CHUNKED}\r\n`);
    far.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n`);
    await visitor.readHead();
    for (const piece of ['one', 'two', 'three']) {
      const chunk = `${piece.length}\r\n${piece}\r\n`;
      visitor.send(chunk);
      assert.equal(await far.readThrough(chunk), chunk);
      far.send(chunk);
      assert.equal(await visitor.readThrough(chunk), chunk);
    }
    visitor.send('0\r\n\r\n');
    await far.readThrough('0\r\n\r\n');
    far.send('0\r\n\r\n');
    assert.deepEqual(await visitor.readAll(), { bytes: Buffer.from('0\r\n\r\n'), how: 'end' });
    far.close();
  });

  row(32, 'Requests sent at once are answered in order, one at a time', async (bench) => {
    const { visitor, far, head } = await ask(
      bench,
      `${GET.replace('/x', '/1')}${POST.replace('/x', '/2')}Content-Length: 4\r\n\r\nbody${GET.replace('/x', '/3')}`,
    );
    assert.equal(head.first, 'GET /1 HTTP/1.1');
    far.send(OK.replace('ok', '1!'));
    assert.match((await far.readHead()).first, /^POST \/2 /);
    await far.readThrough('body');
    far.send(OK.replace('ok', '2!'));
    assert.match((await far.readHead()).first, /^GET \/3 /);
    far.send(OK.replace('ok', '3!'));
    const heard = await visitor.readThrough('3!');
    assert.match(heard, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n1!HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n2!HTTP\/1\.1 200 OK\r\n/);
    far.close();
  });

  row(
    32,
    'What comes behind a request that closes is not read, and what is no request is refused in its turn',
    async (bench) => {
      const closing = await ask(
        bench,
        `${GET.replace('Host', 'Connection: close\r\nHost')}${GET.replace('/x', '/never')}`,
      );
      closing.far.send(OK);
      const { bytes } = await closing.visitor.readAll();
      assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n[^]*\r\nok$/);
      closing.far.close();
      const bad = await ask(bench, `${GET}GET /session/demo/never HTTP/1.1\r\nHost : a\r\n\r\n`);
      bad.far.send(OK);
      await bad.visitor.readThrough('\r\n\r\nok');
      await readRefusal(
        bad.visitor,
        { status: 400, code: 'SP_BAD_REQUEST', cause: 'space-before-colon: ' },
        'the second',
      );
      bad.far.close();
      await assertNothingForwarded(bench);
    },
  );

  row(32, 'Many requests sent at once are kept up to a limit, and all of them are answered', async (bench) => {
    const visitor = await bench.visit();
    const count = 3_000;
    visitor.send('GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(count));
    for (let i = 0; i < count; i += 1) {
      const { first, fields } = await visitor.readHead();
      assert.match(first, /^HTTP\/1\.1 404 /);
      await visitor.read(Number(valuesOf(fields, 'content-length')[0]));
    }
  });
});

/** One slot, one place in the queue for it, and nobody leaves that because it is late: over the ceiling of all waits. */
const ONE_SLOT = ['client.concurrency=1', 'server.queue.limit=1', 'server.queue.timeoutMs=120000'];

conformance('visitors that wait or leave', ONE_SLOT, (row) => {
  row(36, 'answers 503 and Retry-After at once where the queue for a slot is full', async (bench) => {
    const { visitor, far } = await ask(bench, GET);
    const [waits, tooMany] = [await bench.visit(), await bench.visit()];
    waits.send(GET.replace('/x', '/second'));
    await untilWaiting(bench, 1);
    tooMany.send(GET);
    await readProblem(tooMany, FULL);
    assert.equal(total(await scrape(bench.stack.admin.server), 'sallyport_limit_hits_total', 'limit="queue"'), 1);
    far.send(LAST_OK);
    await visitor.readThrough('ok');
    await assertServesSecond(bench, waits);
    far.close();
  });

  row(36, 'gives the slot that comes free to who waits for it', async (bench) => {
    const { visitor, far } = await ask(bench, GET);
    const second = await bench.visit();
    second.send(GET.replace('/x', '/second'));
    await untilWaiting(bench, 1);
    far.send(LAST_OK);
    await visitor.readThrough('ok');
    await assertServesSecond(bench, second);
    far.close();
  });

  row(
    29,
    'A visitor that resets while it waits has its backend request cancelled at once, one that closes within about a second',
    async (bench) => {
      for (const leave of ['close', 'reset'] as const) {
        const { visitor, far } = await ask(bench, GET);
        visitor[leave]();
        await far.readAll();
        await assertServes(bench);
      }
    },
  );

  row(
    29,
    'A visitor that leaves in the midst of a download has it cancelled: by a reset at once, by a close when more of it comes',
    async (bench) => {
      for (const leave of ['close', 'reset'] as const) {
        const { visitor, far } = await ask(bench, GET);
        far.send(`${ENDLESS}begin`);
        await visitor.readThrough('begin');
        visitor[leave]();
        if (leave === 'close') far.send('more');
        await far.readAll();
        await assertServes(bench);
      }
    },
  );

  row(29, 'A visitor that leaves in the midst of an upload has it cancelled', async (bench) => {
    for (const leave of ['close', 'reset', 'finish'] as const) {
      const { visitor, far } = await ask(bench, `${POST}Content-Length: ${MIB}\r\n\r\nbegin`);
      await far.readThrough('begin');
      visitor[leave]();
      await far.readAll();
      await assertServes(bench);
    }
  });

  row(29, 'A visitor that leaves while it reads nothing of a long download lets the backend go', async (bench) => {
    const { visitor, far } = await ask(bench, GET);
    visitor.socket.pause();
    far.send(ENDLESS);
    const chunk = Buffer.alloc(MIB);
    // Until nobody takes any more: the windows are full all the way.
    while (await isTaken(far, chunk));
    visitor.reset();
    await far.readAll();
    await assertServes(bench);
  });

  row(29, 'A visitor that leaves while it waits in the queue is never heard of at the backend', async (bench) => {
    const { visitor, far } = await ask(bench, GET);
    await leaveQueue(bench);
    far.send(OK);
    await visitor.readThrough('ok');
    far.close();
    await assertServes(bench);
  });

  row(
    29,
    'A visitor that ends its side alone, behind a whole request, is not gone: it gets its answer and no byte more',
    async (bench) => {
      for (const request of [GET, GET_1_0, `${POST}Content-Length: 5\r\n\r\nhello`]) {
        const { visitor, far } = await ask(bench, request);
        visitor.finish();
        // What every answer begins with comes ahead: at a visitor that has closed it is an error.
        assert.equal(await visitor.readThrough('HTTP/1.1 '), 'HTTP/1.1 ');
        far.send(OK);
        const { bytes, how } = await visitor.readAll();
        assert.match(bytes.toString('latin1'), /^200 OK\r\n[^]*\r\nConnection: close\r\n[^]*\r\nok$/);
        assert.equal(how, 'end');
        far.close();
      }
    },
  );

  row(29, 'A visitor that ends its side while its answer flows, or is quiet, gets the rest of it', async (bench) => {
    const { visitor, far } = await ask(bench, GET_1_0);
    far.send('HTTP/1.1 200 OK\r\n\r\nbegin');
    await visitor.readThrough('begin');
    visitor.finish();
    // Long enough for one that has left to be found.
    await leaveQueue(bench);
    visitor.socket.pause();
    const chunk = Buffer.alloc(MIB);
    // Until nobody takes any more: bytes wait for the visitor, too.
    let sent = 1;
    while (await isTaken(far, chunk)) sent += 1;
    far.finish();
    visitor.socket.resume();
    for (let i = 0; i < sent; i += 1) await visitor.read(MIB);
    assert.deepEqual(await visitor.readAll(), { bytes: Buffer.alloc(0), how: 'end' });
    far.close();
  });

  row(
    29,
    'A visitor that ends its side within text/event-stream has left: the backend is let go, and the answer is a cut',
    async (bench) => {
      for (const [request, how] of [
        [GET, 'end'],
        [GET_1_0, 'reset'],
      ] as const) {
        const { visitor, far } = await ask(bench, request);
        far.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nbegin');
        await visitor.readThrough('begin');
        visitor.finish();
        const heard = await visitor.readAll();
        assert.equal(heard.how, how);
        assert.doesNotMatch(heard.bytes.toString('latin1'), /0\r\n\r\n/);
        await far.readAll();
        far.close();
        await assertServes(bench);
      }
    },
  );

  row(29, 'When the backend goes away the visitor learns it', async (bench) => {
    for (const leave of ['close', 'reset'] as const) {
      const { visitor, far } = await ask(bench, POST.replace('POST', 'PATCH') + 'Content-Length: 0\r\n\r\n');
      far[leave]();
      assert.match((await visitor.readHead()).first, /^HTTP\/1\.1 502 /);
      visitor.close();
    }
  });
});

/** The one slot is free again: another request is served. */
async function assertServes(bench: RowBench): Promise<void> {
  const { visitor, far, head } = await ask(bench, GET.replace('/x', '/next'));
  assert.equal(head.first, 'GET /next HTTP/1.1');
  far.send(OK);
  await visitor.readThrough('ok');
  visitor.close();
  far.close();
}

/** The one that waited has the slot. */
async function assertServesSecond({ backend }: RowBench, second: Wire): Promise<void> {
  const far = await backend.accept();
  assert.equal((await far.readHead()).first, 'GET /second HTTP/1.1');
  far.send(OK);
  await second.readThrough('ok');
  far.close();
}

/** One more request waits for the slot, until its visitor closes and that is found. */
async function leaveQueue(bench: RowBench): Promise<void> {
  const visitor = await bench.visit();
  visitor.send(GET.replace('/x', '/second'));
  await untilWaiting(bench, 1);
  visitor.close();
  await untilWaiting(bench, 0);
}

async function untilWaiting({ stack }: RowBench, requests: number): Promise<void> {
  await eventually(async () => {
    const waiting = total(await scrape(stack.admin.server), 'sallyport_queue_length');
    return waiting === requests ? true : undefined;
  }, `${requests} requests in the queue`);
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

/** Sends as fast as it is taken, and answers how much that was when the connection was closed. */
async function pushUntilClosed(visitor: Wire): Promise<number> {
  const chunk = Buffer.alloc(64 * KIB);
  const push = () => {
    while (!visitor.socket.destroyed && visitor.socket.writable && visitor.socket.write(chunk));
  };
  visitor.socket.on('drain', push);
  push();
  // Not events.once: that rejects where the connection is reset.
  await within(new Promise((resolve) => visitor.socket.once('close', resolve)), 'the connection to close');
  return visitor.socket.bytesWritten;
}
