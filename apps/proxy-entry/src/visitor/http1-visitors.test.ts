import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { assertKeptAlive } from '../../../../packages/protocol/src/testing/tcp-timer.ts';
import { listenVisitors } from '../testing/visitors.ts';
import type { Arrived, Visitor } from '../testing/visitors.ts';
import type { VisitorOptions } from './transport.ts';

/** Of a whole group of tests. Nothing here waits for it; it is for what never comes. */
const CEILING_MS = 120_000;
const HEAD_END = '\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n';

/** One request that has arrived. */
async function asked(t: TestContext, text: string): Promise<{ visitor: Visitor; arrived: Arrived }> {
  const { visit, arrival } = await listenVisitors(t);
  const visitor = await visit();
  visitor.say(text);
  return { visitor, arrived: await arrival() };
}

function listen(t: TestContext, changes: Partial<VisitorOptions> = {}) {
  return listenVisitors(t, changes);
}

function answer({ exchange }: Arrived, text: string, closes = false): void {
  exchange.head(200, 'OK', ['Content-Length', String(text.length)], closes);
  if (text !== '') exchange.write(Buffer.from(text));
  exchange.end([]);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('requests that come before they are wanted', { timeout: CEILING_MS }, () => {
  it('wait for the answer to the one before, and are answered in order', async (t) => {
    const { visit, arrival } = await listen(t);
    const visitor = await visit();
    visitor.say(`${GET}${POST}body${GET}`);
    for (const [text, method] of [
      ['one', 'GET'],
      ['two', 'POST'],
      ['three', 'GET'],
    ] as const) {
      const arrived = await arrival();
      assert.equal(arrived.exchange.request.method, method);
      await turn();
      arrived.exchange.startBody();
      answer(arrived, text);
      assert.ok((await visitor.hear(`${HEAD_END}${text}`)).startsWith('HTTP/1.1 200 OK'));
      assert.equal(await arrived.finished, true);
      if (method === 'POST') assert.equal(arrived.body, 'body');
    }
  });

  it('are read although the body before them was paused when its answer came', async (t) => {
    const { visit, arrival } = await listen(t);
    const visitor = await visit();
    visitor.say(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n${'x'.repeat(30_000)}`);
    const early = await arrival();
    early.exchange.startBody();
    await early.hear();
    early.exchange.pauseBody();
    answer(early, 'no');
    await visitor.hear(`${HEAD_END}no`);
    visitor.say(GET);
    answer(await arrival(), 'yes');
    await visitor.hear(`${HEAD_END}yes`);
  });

  it('do not hide that their visitor has left', async (t) => {
    const { visitor, arrived } = await asked(t, GET);
    visitor.say('GE');
    await turn();
    visitor.say('T');
    visitor.socket.destroy();
    assert.equal(await arrived.finished, false);
  });

  it('are kept up to a limit, and all of them are answered', async (t) => {
    const { visit, arrival } = await listen(t);
    const visitor = await visit();
    visitor.say(GET);
    const first = await arrival();
    const count = 4_000;
    for (let i = 0; i < count; i += 1) visitor.say(GET);
    await turn();
    answer(first, 'first');
    await visitor.hear(`${HEAD_END}first`);
    for (let i = 0; i < count; i += 1) answer(await arrival(), `${i}.`);
    await visitor.hear(`${HEAD_END}${count - 1}.`);
  });

  it('have their body held until it is wanted', async (t) => {
    const { arrived } = await asked(t, `${POST}bo`);
    await turn();
    assert.equal(arrived.body, '');
    arrived.exchange.startBody();
    assert.equal(await arrived.hear('bo'), 'bo');
  });

  it('have a body kept back that is too much as soon as it is wanted', async (t) => {
    const { visit, arrival } = await listen(t);
    const visitor = await visit();
    const bytes = 1_000_000;
    visitor.say(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`);
    const arrived = await arrival();
    await turn();
    let read = 0;
    arrived.onBody = (chunk) => {
      if (read === 0) arrived.exchange.pauseBody();
      read += chunk.length;
    };
    arrived.exchange.startBody();
    const first = read;
    assert.ok(first > 0);
    // Of another, all of a request is read meanwhile.
    const other = await visit();
    other.say(`${POST}body`);
    const second = await arrival();
    second.exchange.startBody();
    await second.hear();
    assert.equal(read, first);
    arrived.exchange.resumeBody();
    await arrived.hear();
    assert.equal(read, bytes);
  });

  it('have all of it held, and its end', async (t) => {
    const { arrived } = await asked(t, `${POST}body`);
    await turn();
    assert.deepEqual([arrived.body, arrived.trailers], ['', null]);
    arrived.exchange.startBody();
    assert.deepEqual([arrived.body, arrived.trailers], ['body', []]);
  });
});

describe('a visitor that expects', { timeout: CEILING_MS }, () => {
  const EXPECTS = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n';

  it('100 is told to go on when the backend says so, and not before', async (t) => {
    const { visitor, arrived } = await asked(t, EXPECTS);
    arrived.exchange.startBody();
    await turn();
    arrived.exchange.informational(103, 'Early Hints', []);
    arrived.exchange.informational(100, 'Continue', ['X-From', 'the backend']);
    const said = 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\nX-From: the backend\r\n\r\n';
    assert.equal(await visitor.hear('backend\r\n\r\n'), said);
    visitor.say('body');
    assert.equal(await arrived.hear(), 'body');
  });

  it('100 and sends its body without waiting for it has it read', async (t) => {
    const { visitor, arrived } = await asked(t, EXPECTS);
    arrived.exchange.startBody();
    visitor.say('body');
    assert.equal(await arrived.hear(), 'body');
  });

  it('100 and is refused is not told to go on', async (t) => {
    const { visitor, arrived } = await asked(t, EXPECTS);
    answer(arrived, 'no', true);
    const { text } = await visitor.hearAll();
    assert.match(text, /^HTTP\/1.1 200 OK\r\n[^]*no$/);
  });
});

describe('an answer before the end of the upload', { timeout: CEILING_MS }, () => {
  const UPLOAD = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n';

  it('comes whole, and little more of the upload is read', async (t) => {
    const { visitor, arrived } = await asked(t, UPLOAD);
    answer(arrived, 'too much', true);
    visitor.socket.on('close', () => {});
    const sent = new Promise<void>((resolve) => visitor.socket.once('close', () => resolve()));
    visitor.socket.write(Buffer.alloc(100_000));
    assert.match(await visitor.hear('too much'), /\r\nConnection: close\r\n/);
    // 256 KiB are read and dropped, then the connection is cut.
    const chunk = Buffer.alloc(65_536);
    const push = () => {
      while (!visitor.socket.destroyed && visitor.socket.write(chunk))
        if (visitor.socket.bytesWritten > 50_000_000) break;
    };
    visitor.socket.on('drain', push);
    push();
    await sent;
    assert.ok(visitor.socket.bytesWritten < 50_000_000);
    assert.equal(await arrived.finished, true);
  });
});

describe('what is no request', { timeout: CEILING_MS }, () => {
  it('is refused with the reason, and the connection ends', async (t) => {
    const { visit } = await listen(t);
    for (const [text, reason] of [
      ['\x16\x03\x01', '400 not-http'],
      ['GET / HTTP/1.1\r\nHost : a\r\n\r\n', '400 space-before-colon'],
      ['POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', '400 length-and-coding'],
      ['POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', '501 unknown-coding'],
      ['GET / HTTP/2.0\r\n\r\n', '505 bad-version'],
      ['GET /\r\n', '505 bad-version'],
      ['GET / HTTP\r\n', '400 bad-request-line'],
      [`GET / HTTP/1.1\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`, '431 head-too-large'],
      [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`, '414 start-line-too-long'],
      [`GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(1_100)}\r\n`, '431 too-many-lines'],
    ] as const) {
      const visitor = await visit();
      visitor.say(text);
      const { text: said, end } = await visitor.hearAll();
      assert.equal(end, 'end');
      assert.ok(said.startsWith(`HTTP/1.1 ${reason}\r\n`), said);
      assert.match(said, /\r\nDate: [^\r]+\r\nConnection: close\r\n/);
    }
  });

  it('behind a request is refused behind its answer', async (t) => {
    const { visitor, arrived } = await asked(t, `${GET}what?\r\n\r\n`);
    answer(arrived, 'ok');
    assert.match((await visitor.hearAll()).text, /^HTTP\/1.1 200 OK\r\n[^]*okHTTP\/1.1 400 bad-method\r\n/);
  });

  it('within a body is refused where there is no answer yet, and a cut where there is', async (t) => {
    for (const hasHead of [false, true]) {
      const { visitor, arrived } = await asked(t, 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n');
      arrived.exchange.startBody();
      if (hasHead) arrived.exchange.head(200, 'OK', [], false);
      if (hasHead) await visitor.hear(HEAD_END);
      arrived.hasHead = hasHead;
      visitor.say('zz\r\n');
      assert.equal(await arrived.finished, !hasHead);
      assert.match((await visitor.hearAll()).text, hasHead ? /^$/ : /^HTTP\/1.1 400 bad-chunk-size\r\n/);
      answer(arrived, 'too late');
    }
  });
});

describe('a visitor that leaves', { timeout: CEILING_MS }, () => {
  it('by closing its connection while it waits is gone', async (t) => {
    const { visitor, arrived } = await asked(t, GET);
    visitor.socket.destroy();
    assert.equal(await arrived.finished, false);
  });

  it('by ending its side alone, behind a whole request, gets its answer, and no byte more', async (t) => {
    for (const text of [GET, 'GET / HTTP/1.0\r\n\r\n']) {
      const { visitor, arrived } = await asked(t, text);
      visitor.socket.end();
      assert.equal(await visitor.hear('HTTP/1.1 '), 'HTTP/1.1 ');
      arrived.exchange.informational(103, 'Early Hints', []);
      arrived.exchange.head(502, 'taken back', ['Content-Length', '2'], false);
      assert.equal(arrived.exchange.takeBack(), true);
      answer(arrived, 'ok');
      const heard = await visitor.hearAll();
      const hints = text === GET ? '103 Early Hints\r\n\r\nHTTP/1.1 ' : '';
      assert.ok(heard.text.startsWith(`${hints}200 OK\r\n`), heard.text);
      assert.match(heard.text, /\r\nConnection: close\r\n\r\nok$/);
      assert.deepEqual([heard.end, await arrived.finished], ['end', true]);
    }
  });

  it('by ending its side within an answer gets the rest of it, however long that is quiet', async (t) => {
    const { visit, arrival } = await listen(t);
    const waiting: { visitor: Visitor; arrived: Arrived }[] = [];
    for (const request of [GET, 'GET / HTTP/1.0\r\n\r\n']) {
      const visitor = await visit();
      visitor.say(request);
      const arrived = await arrival();
      arrived.exchange.head(200, 'OK', ['Content-Type', 'text/plain'], false);
      arrived.exchange.write(Buffer.from('begin'));
      await visitor.hear('begin');
      visitor.socket.end();
      waiting.push({ visitor, arrived });
    }
    // Found by a look at all connections, as long as there is any to find.
    const left = await visit();
    left.say(GET);
    const last = await arrival();
    left.socket.destroy();
    assert.equal(await last.finished, false);
    for (const { visitor, arrived } of waiting) {
      arrived.exchange.write(Buffer.from('end'));
      await visitor.hear('end');
      arrived.exchange.end([]);
      assert.equal((await visitor.hearAll()).end, 'end');
      assert.equal(await arrived.finished, true);
    }
  });

  it('by ending its side within a stream of events is gone, and sees a cut', async (t) => {
    for (const [request, end] of [
      [GET, 'end'],
      ['GET / HTTP/1.0\r\n\r\n', 'reset'],
    ] as const) {
      const { visitor, arrived } = await asked(t, request);
      arrived.exchange.head(200, 'OK', ['content-type', 'Text/Event-Stream; charset=utf-8'], false);
      arrived.exchange.write(Buffer.from('begin'));
      await visitor.hear('begin');
      visitor.socket.end();
      assert.equal(await arrived.finished, false);
      const heard = await visitor.hearAll();
      assert.equal(heard.end, end);
      assert.doesNotMatch(heard.text, /0\r\n\r\n/);
    }
  });

  it('by a reset is found although nothing is read of it', async (t) => {
    const { visit, arrival } = await listen(t);
    const visitor = await visit();
    // More than is kept of it: the kernel is not asked for more.
    const body = 'x'.repeat(400_000);
    await new Promise((resolve) => {
      visitor.socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${body}`, resolve);
    });
    const arrived = await arrival();
    for (let i = 0; i < 10; i += 1) await turn();
    visitor.socket.resetAndDestroy();
    assert.equal(await arrived.finished, false);
  });

  it('by ending its side behind several requests gets all answers', async (t) => {
    const { visit, arrival } = await listen(t);
    const visitor = await visit();
    visitor.socket.end(`${GET}${GET}${GET}`);
    for (const text of ['one', 'two', 'three']) {
      const arrived = await arrival();
      await turn();
      answer(arrived, text);
    }
    const { text } = await visitor.hearAll();
    assert.match(text, /^HTTP\/1.1 200 OK\r\n[^]*oneHTTP\/1.1 200 OK\r\n[^]*twoHTTP\/1.1 200 OK\r\n/);
    assert.match(text, /one[^]*keep-alive[^]*two[^]*Connection: close\r\n\r\nthree$/);
  });

  it('by ending its side behind a request and a half gets one answer, and is told of the half', async (t) => {
    const { visitor, arrived } = await asked(t, GET);
    visitor.socket.end('GET / HT');
    await visitor.hear('HTTP/1.1 ');
    answer(arrived, 'ok');
    assert.match((await visitor.hearAll()).text, /^200 OK[^]*okHTTP\/1.1 400 cut\r\n/);
  });

  it('by ending its side is gone where more was to come from it', async (t) => {
    for (const text of [POST, `${GET.slice(0, -2)}Connection: upgrade\r\nUpgrade: x\r\n\r\n`]) {
      const { visitor, arrived } = await asked(t, text);
      visitor.socket.end();
      assert.equal(await arrived.finished, false);
    }
  });

  it('by ending its side when its answer is on its way still gets it, and no more', async (t) => {
    const { visitor, arrived } = await asked(t, GET);
    answer(arrived, 'ok');
    visitor.socket.end();
    assert.match((await visitor.hearAll()).text, /ok$/);
  });
});

describe('a visitor that is slow', { timeout: CEILING_MS }, () => {
  const UPLOAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

  it('to send its body is told so: 408', async (t) => {
    const { visit, arrival } = await listen(t, { bodyMinBytesPerS: 500, bodyGraceMs: 50 });
    const visitor = await visit();
    visitor.say(`${UPLOAD}1\r\na\r\n`);
    const arrived = await arrival();
    arrived.exchange.startBody();
    assert.match((await visitor.hearAll()).text, /^HTTP\/1.1 408 body-too-slow\r\n/);
    assert.equal(arrived.trailers, null);
  });

  it('to send its body is waited for while the entry does not read, or has answered, or has not said 100', async (t) => {
    const { visit, arrival, limits } = await listen(t, { bodyMinBytesPerS: 500, bodyGraceMs: 50 });
    const waiting: Visitor[] = [];
    for (const how of ['paused', 'answered', 'expecting'] as const) {
      const visitor = await visit();
      visitor.say(how === 'expecting' ? UPLOAD.replace('Host', 'Expect: 100-continue\r\nHost') : UPLOAD);
      const arrived = await arrival();
      arrived.exchange.startBody();
      if (how === 'paused') arrived.exchange.pauseBody();
      if (how === 'answered') arrived.exchange.head(200, 'OK', [], true);
      waiting.push(visitor);
    }
    // It is waited for: when it is told, the others would have been.
    const slow = await visit();
    slow.say(UPLOAD);
    (await arrival()).exchange.startBody();
    assert.match((await slow.hearAll()).text, /^HTTP\/1.1 408 body-too-slow\r\n/);
    assert.ok(waiting.every(({ socket }) => !socket.readableEnded));
    assert.deepEqual(limits, []);
  });

  it('to take its answer is cut off, where bytes wait for it and not where none do', async (t) => {
    const { visit, arrival, limits } = await listen(t, { answerStallTimeoutMs: 50 });
    const [stalled, quiet] = [await visit(), await visit()];
    quiet.say(GET);
    const still = await arrival();
    still.exchange.head(200, 'OK', [], false);
    await quiet.hear(HEAD_END);
    stalled.socket.pause();
    stalled.say(GET);
    const arrived = await arrival();
    arrived.exchange.head(200, 'OK', [], false);
    // More than the kernel takes for it.
    for (let i = 0; i < 256; i += 1) arrived.exchange.write(Buffer.alloc(65_536));
    assert.equal(await arrived.finished, false);
    assert.deepEqual(limits, ['answer-stall']);
    still.exchange.write(Buffer.from('there'));
    await quiet.hear('there');
  });
});

describe('an answer', { timeout: CEILING_MS }, () => {
  it('to HEAD, and with 204 or 304, has no body, and the next one follows', async (t) => {
    const { visit, arrival } = await listen(t);
    const visitor = await visit();
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
    ] as const) {
      visitor.say(GET.replace('GET', method));
      const { exchange, finished } = await arrival();
      exchange.head(status, 'Fine', ['ETag', '"1"'], false);
      exchange.write(Buffer.from('not for you'));
      exchange.end([]);
      assert.doesNotMatch(await visitor.hear(HEAD_END), /transfer-encoding/i);
      assert.equal(await finished, true);
    }
    visitor.say(GET);
    answer(await arrival(), 'next');
    assert.match(await visitor.hear('next'), /^HTTP\/1.1 200 OK\r\n/);
  });

  it('that is longer or shorter than it said is a cut', async (t) => {
    for (const text of ['long', 's']) {
      const { visitor, arrived } = await asked(t, GET);
      arrived.exchange.head(200, 'OK', ['Content-Length', '2'], false);
      arrived.exchange.write(Buffer.from(text));
      arrived.exchange.end([]);
      assert.equal(await arrived.finished, false);
      assert.notEqual((await visitor.hearAll()).text.slice(-2), 'ng');
    }
  });

  it('can be taken back as long as nothing of it went out, and then is another one', async (t) => {
    const { visitor, arrived } = await asked(t, GET);
    const { exchange } = arrived;
    exchange.head(200, 'OK', ['Content-Length', '10'], false);
    exchange.write(Buffer.from('hal'));
    assert.equal(exchange.takeBack(), true);
    answer(arrived, 'instead');
    assert.equal(exchange.takeBack(), false);
    assert.match(await visitor.hear('instead'), /^HTTP\/1.1 200 OK\r\nContent-Length: 7\r\n/);
    const later = await asked(t, GET);
    later.arrived.exchange.head(200, 'OK', [], false);
    await later.visitor.hear(HEAD_END);
    assert.equal(later.arrived.exchange.takeBack(), false);
  });

  it('that is over cannot be cut: that would be the next one', async (t) => {
    const { visit, arrival } = await listen(t);
    const visitor = await visit();
    visitor.say(GET);
    const first = await arrival();
    answer(first, 'one');
    await visitor.hear('one');
    visitor.say(GET);
    const second = await arrival();
    first.exchange.cut();
    answer(second, 'two');
    await visitor.hear('two');
  });

  it('is held up while its visitor does not read, and told when it does', async (t) => {
    const { visitor, arrived } = await asked(t, GET);
    visitor.socket.pause();
    const drained = new Promise<void>((resolve) => (arrived.onDrained = resolve));
    arrived.exchange.head(200, 'OK', [], false);
    let bytes = 0;
    for (const chunk = Buffer.alloc(16_384); arrived.exchange.write(chunk);) bytes += chunk.length;
    visitor.socket.resume();
    await drained;
    arrived.exchange.end([]);
    assert.equal(await arrived.finished, true);
    assert.ok(bytes > 0);
  });

  it('to HTTP/1.0 may keep the connection where its visitor asks and it has a length', async (t) => {
    const { visit, arrival } = await listen(t);
    const visitor = await visit();
    for (const text of ['one', 'two']) {
      visitor.say('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
      answer(await arrival(), text);
      assert.match(await visitor.hear(text), /\r\nConnection: keep-alive\r\n/);
    }
    visitor.say('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    const { exchange } = await arrival();
    exchange.head(200, 'OK', [], false);
    exchange.write(Buffer.from('three'));
    exchange.end([]);
    assert.match((await visitor.hearAll()).text, /\r\nConnection: close\r\n\r\nthree$/);
  });
});

describe('the listener', { timeout: CEILING_MS }, () => {
  it('tells a head that takes too long so, and leaves a connection that asks nothing in silence', async (t) => {
    const { visit, arrival, configure } = await listen(t);
    const [slow, silent, other] = [await visit(), await visit(), await visit()];
    slow.say('GET / HTTP/1.1\r\n');
    // When this has been read, what was said before has been as well.
    other.say(GET);
    answer(await arrival(), 'ok');
    configure({ headTimeoutMs: 30 });
    assert.match((await slow.hearAll()).text, /^HTTP\/1.1 408 head-too-slow\r\n/);
    assert.equal((await silent.hearAll()).text, '');
  });

  it('closes a connection that was kept for too long', async (t) => {
    const { visit, arrival } = await listen(t, { keepAliveTimeoutMs: 30 });
    const visitor = await visit();
    visitor.say(GET);
    answer(await arrival(), 'ok');
    await visitor.hear('ok');
    assert.equal((await visitor.hearAll()).text, '');
  });

  it('that drains answers still on connections that were idle, and closes them behind that answer', async (t) => {
    const { visit, arrival, transport } = await listen(t);
    const visitor = await visit();
    visitor.say(GET);
    answer(await arrival(), 'first');
    await visitor.hear('first');
    // However long the machine is held up, the grace is not over before this request is read.
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const drained = transport.drain();
    visitor.say(GET);
    answer(await arrival(), 'last');
    assert.match((await visitor.hearAll()).text, /\r\nConnection: close\r\n\r\nlast$/);
    await drained;
    t.mock.timers.reset();
  });

  it('that drains closes idle connections after a grace, and others behind their answer', async (t) => {
    const { visit, arrival, transport } = await listen(t);
    const [busy, idle] = [await visit(), await visit()];
    idle.say(GET);
    answer(await arrival(), 'ok');
    await idle.hear('ok');
    busy.say(GET);
    const arrived = await arrival();
    transport.drain();
    // At once: later the port may be somebody else's.
    await assert.rejects(visit());
    await idle.hearAll();
    answer(arrived, 'last');
    assert.match((await busy.hearAll()).text, /\r\nConnection: close\r\n\r\nlast$/);
  });

  it('has the kernel ask on quiet connections whether anybody is there still', async (t) => {
    if (process.platform !== 'linux') return t.skip('only Linux shows it');
    const { visit, transport } = await listen(t);
    const { socket } = await visit();
    await until(() => transport.connections === 1);
    assertKeptAlive(transport.port, socket.localPort!);
  });

  it('counts its connections, and takes no more than it may', async (t) => {
    const { visit, arrival, transport } = await listen(t, { connections: 1 });
    const visitor = await visit();
    visitor.say(GET);
    const arrived = await arrival();
    assert.equal(transport.connections, 1);
    const other = await visit();
    await other.hearAll();
    answer(arrived, 'ok', true);
    await visitor.hearAll();
  });

  it('cuts an answer that ends with its connection by a reset when it is closed', async (t) => {
    const { visit, arrival, transport } = await listen(t);
    const visitor = await visit();
    visitor.say('GET / HTTP/1.0\r\n\r\n');
    const { exchange } = await arrival();
    exchange.head(200, 'OK', [], false);
    exchange.write(Buffer.from('half'));
    await visitor.hear('half');
    await transport.close();
    assert.equal((await visitor.hearAll()).end, 'reset');
  });

  it('ends what is still open when it is closed', async (t) => {
    const { visit, arrival, transport } = await listen(t);
    const visitor = await visit();
    visitor.say(GET);
    const arrived = await arrival();
    await transport.close();
    assert.equal(await arrived.finished, false);
    await visitor.hearAll();
  });
});
