import assert from 'node:assert/strict';
import { valuesOf } from '../harness/wire.ts';
import type { WireEnd } from '../harness/wire.ts';
import { ask, BAD_HEAD, GET, GET_1_0, HEAD, readProblem } from './far-end.ts';
import { conformance } from './rows.ts';
import type { RowBench } from './rows.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const COUNTED = `${OK}Content-Length: 100\r\n\r\n`;
const UNTIL_CLOSE = `${OK}\r\n`;

/** Whatever a backend answers with, the visitor is told that it is no HTTP, and gets nothing of it. */
async function isRefused(bench: RowBench, answers: readonly string[], request = GET): Promise<void> {
  for (const answer of answers) {
    const { visitor, far } = await ask(bench, request);
    far.send(answer);
    await readProblem(visitor, BAD_HEAD);
    await far.readAll();
    visitor.close();
  }
}

/** What the visitor of an answer gets that ends in this way behind `begun` and some of its body. */
async function cutShort(bench: RowBench, request: string, begun: string, how: 'reset' | 'finish') {
  const { visitor, far } = await ask(bench, request);
  far.send(`${begun}some of it`);
  const { fields } = await visitor.readHead();
  await visitor.readThrough('some of it');
  far[how]();
  const { bytes, how: end } = await visitor.readAll();
  far.close();
  return { fields, rest: bytes.toString('latin1'), end };
}

const CUTS = [
  [COUNTED, 'reset'],
  [COUNTED, 'finish'],
  [`${CHUNKED}64\r\n`, 'reset'],
  [`${CHUNKED}64\r\n`, 'finish'],
  [`${CHUNKED}a\r\n`, 'finish'],
  [UNTIL_CLOSE, 'reset'],
] as const;

conformance('What a backend says', ['client.backendIdleTimeoutMs=0'], (row) => {
  row(1, 'An answer with Content-Length and Transfer-Encoding is a 502', (bench) =>
    isRefused(bench, [
      `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${OK}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n`,
    ]),
  );

  row(2, 'An answer with two or comma-listed Content-Length, or one that is no number, is a 502', (bench) =>
    isRefused(bench, [
      `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`,
      `${OK}Content-Length: 2\r\ncontent-length: 2\r\n\r\nxx`,
      `${OK}Content-Length: 2, 2\r\n\r\nxx`,
      `${OK}Content-Length: +2\r\n\r\nxx`,
      `${OK}Content-Length: 0x2\r\n\r\nxx`,
      `${OK}Content-Length: \r\n\r\nxx`,
    ]),
  );

  row(3, 'An answer whose transfer coding is not chunked, or not chunked alone, is a 502', (bench) =>
    isRefused(bench, [
      `${OK}Transfer-Encoding: gzip\r\n\r\nx`,
      `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
      `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
      `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
      'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ]),
  );

  row(4, 'An answer with a folded line is a 502', (bench) =>
    isRefused(bench, [
      `${OK}X-Long: a\r\n b\r\nContent-Length: 0\r\n\r\n`,
      `${OK}X-Long: a\r\n\tb\r\nContent-Length: 0\r\n\r\n`,
      `${OK} X-First: a\r\nContent-Length: 0\r\n\r\n`,
    ]),
  );

  row(5, 'An answer whose head holds a control character, a bare CR or LF, or no token for a name is a 502', (bench) =>
    isRefused(bench, [
      `${OK}X-Odd: a\0b\r\nContent-Length: 0\r\n\r\n`,
      `${OK}X-Odd: a\x01b\r\nContent-Length: 0\r\n\r\n`,
      `${OK}X-Odd: a\x7fb\r\nContent-Length: 0\r\n\r\n`,
      `${OK}X-Odd: a\rb\r\nContent-Length: 0\r\n\r\n`,
      `${OK}X-Odd: a\nContent-Length: 0\r\n\r\n`,
      `${OK}X-Odd : a\r\nContent-Length: 0\r\n\r\n`,
      `${OK}X Odd: a\r\nContent-Length: 0\r\n\r\n`,
      `${OK}: a\r\nContent-Length: 0\r\n\r\n`,
      `${OK}no colon\r\nContent-Length: 0\r\n\r\n`,
      'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n',
    ]),
  );

  row(5, 'An answer that does not begin as HTTP/1 is a 502, also to who asks for an upgrade', async (bench) => {
    const none = [
      'SSH-2.0-OpenSSH_9.2\r\n',
      'HTTP/2 200 OK\r\n\r\n',
      'HTTP/1.1 20 OK\r\n\r\n',
      'HTTP/1.1 099 OK\r\n\r\n',
      'ICY 200 OK\r\n\r\n',
      '\0\0\x12\x04\0\0\0\0\0',
    ];
    await isRefused(bench, none);
    await isRefused(bench, none, GET.replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: line-chat\r\n\r\n'));
  });

  row(5, 'An answer whose status is over 599 is a 502', (bench) =>
    isRefused(bench, [
      'HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok',
    ]),
  );

  row(6, 'Chunk extensions of a backend are dropped', async (bench) => {
    const { visitor, far } = await ask(bench, GET);
    far.send(`${CHUNKED}5;name=value;other="x"\r\nfirst\r\n6 ; x\r\nsequel\r\n0;last\r\n\r\n`);
    await visitor.readHead();
    const text = await visitor.readThrough('0\r\n\r\n');
    assert.doesNotMatch(text, /;/);
    assert.equal(text.replaceAll(/[0-9a-f]+\r\n|\r\n/g, ''), 'firstsequel');
  });

  row(6, 'A bad chunk of a backend is a cut, behind what came before it', async (bench) => {
    const bad = [
      'g\r\n',
      '-1\r\n',
      '0x5\r\nfirst\r\n',
      '5\nfirst\r\n',
      '5\r\nfirst!\r\n',
      `5;${'x'.repeat(5_000)}\r\n`,
    ];
    for (const chunk of bad) {
      const { visitor, far } = await ask(bench, GET);
      far.send(`${CHUNKED}6\r\nbefore\r\n`);
      await visitor.readThrough('before');
      far.send(`${chunk}0\r\n\r\n`);
      const { bytes } = await visitor.readAll();
      assert.doesNotMatch(bytes.toString('latin1'), /0\r\n\r\n$/, JSON.stringify(chunk));
      await far.readAll();
    }
  });

  row(
    7,
    'A body that the backend cuts short, by a reset or an early end, never ends well at the visitor',
    async (bench) => {
      for (const [begun, how] of CUTS) {
        const { fields, rest } = await cutShort(bench, GET, begun, how);
        // Without a length the last chunk would be the end.
        const isCounted = valuesOf(fields, 'content-length')[0] === '100';
        assert.equal(isCounted, begun === COUNTED);
        assert.doesNotMatch(rest, /0\r\n\r\n$/, `${how} of ${begun}`);
      }
    },
  );

  row(7, 'A body that is cut short is a reset to a visitor of HTTP/1.0', async (bench) => {
    for (const [begun, how] of CUTS) {
      const { end } = await cutShort(bench, GET_1_0, begun, how);
      assert.equal(end satisfies WireEnd, 'reset', `${how} of ${begun}`);
    }
  });

  row(7, 'A body without a length that ends with its connection is whole', async (bench) => {
    for (const head of [UNTIL_CLOSE, 'HTTP/1.0 200 OK\r\n\r\n', `${OK}Connection: close\r\n\r\n`]) {
      const { visitor, far } = await ask(bench, GET);
      far.send(`${head}all of it`);
      far.finish();
      assert.match(await visitor.readThrough('0\r\n\r\n'), /all of it/);
      const { end, rest } = await cutShort(bench, GET_1_0, head, 'finish');
      assert.deepEqual([end, rest], ['end', '']);
    }
  });

  row(9, 'An answer whose head has more than 64 KiB or 1,000 lines is a 502', (bench) =>
    isRefused(bench, [
      `${OK}X-Long: ${'x'.repeat(70_000)}\r\n\r\n`,
      `${OK}${'X-Filler: a\r\n'.repeat(1_100)}Content-Length: 0\r\n\r\n`,
    ]),
  );

  row(25, 'An answer to HEAD, a 204 and a 304 have no body, and keep the length that they name', async (bench) => {
    for (const [request, head, length] of [
      [HEAD, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', ['5']],
      [HEAD, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', []],
      [HEAD, 'HTTP/1.1 200 OK\r\n\r\n', []],
      [GET, 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', ['5']],
      [GET, 'HTTP/1.1 204 No Content\r\n\r\n', []],
    ] as const) {
      const { visitor, far } = await ask(bench, request);
      far.send(head);
      const { fields } = await visitor.readHead();
      assert.deepEqual([valuesOf(fields, 'content-length'), valuesOf(fields, 'transfer-encoding')], [length, []]);
      // The next answer on the connection is the next request's.
      visitor.send(GET);
      const next = await bench.backend.accept();
      await next.readHead();
      next.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext');
      assert.equal((await visitor.readHead()).first, 'HTTP/1.1 200 OK');
      assert.equal((await visitor.read(4)).toString(), 'next');
    }
  });
});

conformance('Kept connections to a backend', ['client.backendIdleTimeoutMs=60000'], (row) => {
  row(25, 'Bytes behind an answer without a body, or behind a whole one, are nobody’s answer', async (bench) => {
    const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
    for (const [request, head] of [
      [HEAD, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'],
      [GET, 'HTTP/1.1 204 No Content\r\n\r\n'],
      [GET, 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n'],
      [GET, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ] as const) {
      const { visitor, far } = await ask(bench, request);
      far.send(head + evil);
      await visitor.readHead();
      visitor.send(GET);
      const next = await bench.backend.accept();
      await next.readHead();
      next.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood');
      await visitor.readHead();
      assert.equal((await visitor.read(4)).toString(), 'good');
      await far.readAll();
      await next.readAll();
    }
  });

  row(25, 'What a backend says on a connection that nobody waits on ends that connection', async (bench) => {
    const { visitor, far } = await ask(bench, GET);
    far.send('HTTP/1.1 204 No Content\r\n\r\n');
    await visitor.readHead();
    far.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
    await far.readAll();
    visitor.send(GET);
    const next = await bench.backend.accept();
    await next.readHead();
    next.send('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
    assert.equal((await visitor.readHead()).first, 'HTTP/1.1 204 No Content');
    await next.readAll();
  });

  row(37, 'A second try goes over a connection that was not used before', async (bench) => {
    const [one, two] = [await ask(bench, GET), await ask(bench, GET)];
    for (const { visitor, far } of [one, two]) {
      far.send('HTTP/1.1 204 No Content\r\n\r\n');
      await visitor.readHead();
    }
    one.visitor.send(GET);
    // Of the two that were kept it takes the one that was used last.
    await two.far.readHead();
    two.far.reset();
    const fresh = await bench.backend.accept();
    await fresh.readHead();
    fresh.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nfresh');
    assert.equal((await one.visitor.readHead()).first, 'HTTP/1.1 200 OK');
    assert.equal((await one.visitor.read(5)).toString(), 'fresh');
    one.far.close();
    await fresh.readAll();
  });
});
