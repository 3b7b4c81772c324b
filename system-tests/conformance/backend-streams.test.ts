/** What passes while a message is under way: informational heads, Expect, trailers, slow and stalled readers. */
import assert from 'node:assert/strict';
import { eventually, within } from '../harness/deadline.ts';
import { valuesOf } from '../harness/wire.ts';
import type { Wire } from '../harness/wire.ts';
import { ask, BAD_HEAD, GET, GET_1_0, POST, readProblem } from './far-end.ts';
import type { Asked } from './far-end.ts';
import { unlessHeldUp } from './held-up.ts';
import { conformance } from './rows.ts';
import type { RowBench } from './rows.ts';

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const EXPECTING = `${POST}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n`;
const EARLY_HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const MOST_INFORMATIONAL = 16;

conformance('Messages under way', ['client.backendIdleTimeoutMs=0'], (row) => {
  row(26, 'each informational answer of a backend passes, a repeated 103 too, with its fields', async (bench) => {
    const { visitor, far } = await ask(bench, GET);
    for (const link of ['</a>', '</b>']) {
      far.send(`HTTP/1.1 103 Early Hints\r\nLink: ${link}\r\n\r\n`);
      const { first, fields } = await visitor.readHead();
      assert.deepEqual([first, valuesOf(fields, 'link')], ['HTTP/1.1 103 Early Hints', [link]]);
    }
    far.send(`HTTP/1.1 102 Processing\r\n\r\n${EARLY_HINTS}${OK}`);
    for (const status of ['102', '103', '200']) assert.equal((await visitor.readHead()).first.split(' ')[1], status);
    assert.equal((await visitor.read(2)).toString(), 'ok');
  });

  row(26, 'no informational answer goes to a visitor of HTTP/1.0', async (bench) => {
    const { visitor, far } = await ask(bench, GET_1_0);
    far.send(`HTTP/1.1 102 Processing\r\n\r\n${EARLY_HINTS}${OK}`);
    assert.match((await visitor.readHead()).first, /^HTTP\/1\.1 200 /);
  });

  row(
    26,
    'a backend that never comes to its answer for informational ones is a 502, behind 16 of them',
    async (bench) => {
      const { visitor, far } = await ask(bench, GET);
      far.send(EARLY_HINTS.repeat(MOST_INFORMATIONAL));
      for (let i = 0; i < MOST_INFORMATIONAL; i += 1) {
        assert.equal((await visitor.readHead()).first, 'HTTP/1.1 103 Early Hints');
      }
      far.send(EARLY_HINTS);
      await readProblem(visitor, BAD_HEAD);
      await far.readAll();
    },
  );

  row(26, 'Expect: 100-continue reaches the backend at once, whose 100 lets the body come', async (bench) => {
    const { visitor, far, head } = await ask(bench, EXPECTING);
    assert.deepEqual(valuesOf(head.fields, 'expect'), ['100-continue']);
    far.send(CONTINUE);
    assert.equal((await visitor.readHead()).first, 'HTTP/1.1 100 Continue');
    visitor.send('body');
    assert.equal((await far.read(4)).toString(), 'body');
    far.send(OK);
    assert.equal((await visitor.readHead()).first, 'HTTP/1.1 200 OK');
    assert.equal((await visitor.read(2)).toString(), 'ok');
  });

  row(26, 'a visitor that expects a 100 and sends its body without one is served all the same', async (bench) => {
    const { visitor, far } = await ask(bench, EXPECTING);
    visitor.send('body');
    assert.equal((await far.read(4)).toString(), 'body');
    far.send(CONTINUE + OK);
    assert.equal((await visitor.readHead()).first, 'HTTP/1.1 100 Continue');
    assert.equal((await visitor.readHead()).first, 'HTTP/1.1 200 OK');
  });

  row(26, 'a backend that refuses an expectation early is heard without the body having been read', async (bench) => {
    for (const refusal of ['417 Expectation Failed', '403 Forbidden', '413 Content Too Large']) {
      const { visitor, far } = await ask(bench, EXPECTING);
      far.send(`HTTP/1.1 ${refusal}\r\nContent-Length: 2\r\n\r\nno`);
      assert.equal((await visitor.readHead()).first, `HTTP/1.1 ${refusal}`);
      assert.equal((await visitor.read(2)).toString(), 'no');
      const { bytes } = await far.readAll();
      assert.equal(bytes.length, 0, 'no body reached the backend');
      visitor.close();
    }
  });

  row(27, 'trailers of a request reach the backend behind its body', async (bench) => {
    const { visitor, far, head } = await ask(bench, `${POST}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n`);
    assert.deepEqual(valuesOf(head.fields, 'trailer'), ['X-Sum']);
    visitor.send('4\r\nbody\r\n0\r\nX-Sum: 1\r\nx-SUM: \xfc\r\n\r\n');
    assert.equal(await far.readThrough('\r\n\r\n'), '4\r\nbody\r\n0\r\nX-Sum: 1\r\nx-SUM: \xfc\r\n\r\n');
    far.send(OK);
    await visitor.readThrough('ok');
  });

  row(27, 'trailers of an answer reach the visitor behind its body', async (bench) => {
    const { visitor, far } = await ask(bench, GET);
    far.send(`${CHUNKED}4\r\nbody\r\n0\r\nX-Sum: 1\r\nx-SUM: \xfc\r\n\r\n`);
    await visitor.readHead();
    assert.match(await visitor.readThrough('\xfc\r\n\r\n'), /^4\r\nbody\r\n0\r\nX-Sum: 1\r\nx-SUM: \xfc\r\n\r\n$/);
  });

  row(27, 'trailers about framing, routing or authentication are dropped, both ways', async (bench) => {
    const bad = 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nAuthorization: Basic eA==\r\n';
    const { visitor, far } = await ask(bench, `${POST}Transfer-Encoding: chunked\r\n\r\n`);
    visitor.send(`4\r\nbody\r\n0\r\n${bad}X-Sum: 1\r\n\r\n`);
    assert.equal(await far.readThrough('\r\n\r\n'), '4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n');
    far.send(`${CHUNKED}4\r\nbody\r\n0\r\n${bad}Set-Cookie: a=b\r\nX-Sum: 2\r\n\r\n`);
    await visitor.readHead();
    assert.equal(await visitor.readThrough('\r\n\r\n'), '4\r\nbody\r\n0\r\nX-Sum: 2\r\n\r\n');
  });

  row(27, 'trailers have no place in HTTP/1.0: the body comes without', async (bench) => {
    const { visitor, far } = await ask(bench, GET_1_0);
    far.send(`${CHUNKED}4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n`);
    await visitor.readHead();
    const { bytes, how } = await visitor.readAll();
    assert.deepEqual([bytes.toString(), how], ['body', 'end']);
  });

  row(31, 'each chunk of an answer passes at once, while the backend has more to say', async (bench) => {
    const { visitor, far } = await ask(bench, GET);
    far.send(`${CHUNKED}1\r\na\r\n`);
    await visitor.readThrough('1\r\na\r\n');
    // Also half a chunk, without its end.
    far.send('5\r\nb');
    await visitor.readThrough('b');
    far.send('cdef\r\n');
    await visitor.readThrough('cdef\r\n');
    far.send('0\r\n\r\n');
    await visitor.readThrough('0\r\n\r\n');
  });

  row(31, 'each server-sent event passes at once', async (bench) => {
    const { visitor, far } = await ask(bench, GET);
    far.send(CHUNKED.replace('OK\r\n', 'OK\r\nContent-Type: text/event-stream\r\n'));
    await visitor.readHead();
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      far.send(`9\r\n${event}\r\n`);
      await visitor.readThrough(event);
    }
    visitor.close();
    await far.readAll();
  });

  row(31, 'each piece of an upload reaches the backend at once, counted or in chunks', async (bench) => {
    const counted = await ask(bench, `${POST}Content-Length: 10\r\n\r\nfirst`);
    assert.equal((await counted.far.read(5)).toString(), 'first');
    counted.visitor.send('later');
    assert.equal((await counted.far.read(5)).toString(), 'later');
    counted.far.send(OK);
    await counted.visitor.readThrough('ok');
    const { visitor, far } = await ask(bench, `${POST}Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n`);
    await far.readThrough('3\r\none\r\n');
    for (const word of ['two', 'six']) {
      visitor.send(`3\r\n${word}\r\n`);
      await far.readThrough(`3\r\n${word}\r\n`);
    }
    visitor.send('0\r\n\r\n');
    await far.readThrough('0\r\n\r\n');
    far.send(OK);
    await visitor.readThrough('ok');
  });
});

/** Counts through its words, so that a piece that is lost, doubled or moved shows. */
function counted(bytes: number): Buffer {
  const words = Uint32Array.from({ length: bytes / 4 }, (_, i) => i);
  return Buffer.from(words.buffer);
}

const QUIET_MS = 1_200;
const LIMIT_MS = 300;
/** Every limit on what is idle is far under the time that these streams are quiet. */
const SHORT_LIMITS = [
  'client.backendIdleTimeoutMs=0',
  `client.backendHeadTimeoutMs=${LIMIT_MS}`,
  `entry.keepAliveTimeoutMs=${LIMIT_MS}`,
  `entry.headTimeoutMs=${LIMIT_MS}`,
  `entry.uploadStallTimeoutMs=${LIMIT_MS}`,
];

/** An answer, an upload and an upgrade that have begun. */
async function beginThree(bench: RowBench): Promise<Readonly<Record<'answer' | 'upload' | 'chat', Asked>>> {
  const answer = await ask(bench, GET);
  answer.far.send(CHUNKED);
  assert.equal((await answer.visitor.readHead()).first, 'HTTP/1.1 200 OK');
  const upload = await ask(bench, `${POST}Content-Length: 5\r\n\r\nup`);
  await upload.far.read(2);
  const chat = await ask(bench, GET.replace('\r\n\r\n', '\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n'));
  chat.far.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n');
  assert.equal((await chat.visitor.readHead()).first, 'HTTP/1.1 101 Switching Protocols');
  return { answer, upload, chat };
}

conformance('Quiet streams', SHORT_LIMITS, (row) => {
  row(
    31,
    'an answer, an upload and an upgrade that are quiet for longer than any limit on idle ones live on',
    async (bench) => {
      const { answer, upload, chat } = await unlessHeldUp(LIMIT_MS, () => beginThree(bench));
      // What does not happen in it is what is tested.
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      answer.far.send('4\r\nlast\r\n0\r\n\r\n');
      assert.equal(await answer.visitor.readThrough('0\r\n\r\n'), '4\r\nlast\r\n0\r\n\r\n');
      upload.visitor.send('on');
      assert.equal((await upload.far.read(2)).toString(), 'on');
      // One byte is missing: behind the end of the request the backend's time would run.
      upload.far.send(OK);
      await upload.visitor.readThrough('ok');
      chat.far.send('still');
      assert.equal((await chat.visitor.read(5)).toString(), 'still');
      chat.visitor.send('here');
      assert.equal((await chat.far.read(4)).toString(), 'here');
    },
  );
});

const MIB = 1024 * 1024;
const BODY_BYTES = 96 * MIB;
/** A window, and what four hops' kernels hold while nobody reads. */
const MOST_HELD_BYTES = 40 * MIB;
const STEADY_MS = 300;
/** So much is to be carried on two cores that others use as well. */
const LONG_MS = 60_000;
const PIECE = Buffer.alloc(MIB, 'the quick brown fox');

conformance('Large and stalled bodies', ['client.backendIdleTimeoutMs=0'], (row) => {
  row(31, 'a body of 8 MiB passes whole, both ways at the same time', async (bench) => {
    const body = counted(8 * MIB);
    const { visitor, far } = await ask(bench, `${POST}Content-Length: ${body.length}\r\n\r\n`);
    far.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
    await visitor.readHead();
    const [up, down] = [collector(far, body.length), collector(visitor, body.length)];
    visitor.send(body);
    far.send(body.subarray(0, -1));
    assert(body.equals(await up));
    // An answer that is whole would be the end of the upload.
    far.send(body.subarray(-1));
    assert(body.equals(await down));
  });

  row(30, 'a backend that does not answer one request holds up no other', async (bench) => {
    const hanging = await ask(bench, GET);
    const other = await ask(bench, GET);
    other.far.send(OK);
    await other.visitor.readThrough('ok');
    hanging.visitor.close();
    await hanging.far.readAll();
  });

  row(
    30,
    'a visitor that does not read holds up its own answer alone, and costs a bounded part of it',
    async (bench) => {
      const { visitor, far } = await ask(bench, GET);
      far.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`);
      await visitor.readHead();
      await isHeldUp(bench, visitor, far);
    },
  );

  row(
    30,
    'a backend that does not read holds up its own request alone, and costs a bounded part of it',
    async (bench) => {
      const { visitor, far } = await ask(bench, `${POST}Content-Length: ${BODY_BYTES}\r\n\r\n`);
      await isHeldUp(bench, far, visitor);
      far.send(OK);
      await visitor.readThrough('ok');
    },
  );
});

/** `to` does not read what `from` sends, then all of it; meanwhile others are served. */
async function isHeldUp(bench: RowBench, to: Wire, from: Wire): Promise<void> {
  const received = counter(to);
  to.socket.pause();
  for (let bytes = 0; bytes < BODY_BYTES; bytes += PIECE.length) from.socket.write(PIECE);
  const gone = () => from.socket.bytesWritten - from.socket.writableLength;
  let seen = -1;
  await eventually(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, STEADY_MS));
      const isSteady = gone() === seen;
      seen = gone();
      return isSteady ? true : undefined;
    },
    'a stream that is held up',
    LONG_MS,
  );
  assert(seen < MOST_HELD_BYTES, `${seen} bytes are on their way`);
  const other = await ask(bench, GET);
  other.far.send(OK);
  await other.visitor.readThrough('ok');
  to.socket.resume();
  await eventually(() => Promise.resolve(received() >= BODY_BYTES ? true : undefined), 'all of the body', LONG_MS);
  assert.equal(received(), BODY_BYTES);
}

/** The next so many bytes. */
async function collector({ socket }: Wire, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const all = new Promise<Buffer>((resolve) => {
    socket.removeAllListeners('data').on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= bytes) resolve(Buffer.concat(chunks));
    });
  });
  return within(all, () => `${bytes} bytes, of which ${length} came`, LONG_MS);
}

/** Counts what comes from now on instead of keeping it. */
function counter({ socket }: Wire): () => number {
  let bytes = 0;
  socket.removeAllListeners('data').on('data', (chunk: Buffer) => (bytes += chunk.length));
  return () => bytes;
}
