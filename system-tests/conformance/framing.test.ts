/** Rows 1–6, 9 and 10 on the visitor's side: a request has one reading, or none. */
import assert from 'node:assert/strict';
import { valuesOf } from '../harness/wire.ts';
import { ask, POST } from './far-end.ts';
import { assertNothingForwarded, assertRefused, BAD_REQUEST, LOGGED, readRefusal } from './refused.ts';
import { conformance } from './rows.ts';
import type { RowBench } from './rows.ts';

const MAX_BODY_BYTES = 100_000;
const HOST = 'Host: visited.example\r\n';
const GET_LINE = 'GET /session/demo/x HTTP/1.1\r\n';
/** What would be seen of it if the body were read another way than it is. */
const SMUGGLED = '0\r\n\r\nGET /session/demo/smuggled HTTP/1.1\r\nHost: visited.example\r\n\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';

const because = (cause: string) => ({ ...BAD_REQUEST, cause: `${cause}: ` });

conformance('framing', [...LOGGED, `entry.bodyBytes=${MAX_BODY_BYTES}`], (row) => {
  row(1, 'Content-Length with Transfer-Encoding is refused, in whatever order and spelling', (bench) =>
    assertRefused(
      bench,
      [
        `Content-Length: 5\r\n${CHUNKED}`,
        `${CHUNKED}Content-Length: 5\r\n`,
        'TRANSFER-ENCODING: chunked\r\ncontent-length: 0\r\n',
      ].map((lines) => [`${POST}${lines}\r\n${SMUGGLED}`, because('length-and-coding')]),
    ),
  );

  row(2, 'Two Content-Length, alike or not, and a list of lengths are refused', (bench) =>
    assertRefused(
      bench,
      [
        'Content-Length: 5\r\nContent-Length: 6\r\n',
        'Content-Length: 5\r\nContent-Length: 5\r\n',
        'Content-Length: 5\r\ncontent-LENGTH: 5\r\n',
        'Content-Length: 5, 5\r\n',
        'Content-Length: 5,6\r\n',
      ].map((lines) => [`${POST}${lines}\r\nhello${SMUGGLED}`, because('two-lengths')]),
    ),
  );

  row(2, 'A Content-Length that is not just digits is refused', (bench) =>
    assertRefused(
      bench,
      ['+5', '-5', '0x5', '5.0', '5 5', '5;', '', '5e0', '9999999999999999999999'].map((length) => [
        `${POST}Content-Length: ${length}\r\n\r\nhello`,
        because('bad-length'),
      ]),
    ),
  );

  row(3, 'A Transfer-Encoding whose last coding is not chunked, or has it twice, is refused', (bench) =>
    assertRefused(
      bench,
      ['gzip', 'identity', 'chunked, gzip', 'chunked, chunked', 'xchunked', 'chunked;q=1', '"chunked"', ''].map(
        (codings) => [`${POST}Transfer-Encoding: ${codings}\r\n\r\n${SMUGGLED}`, because('bad-coding')],
      ),
    ),
  );

  row(3, 'A transfer coding that is not known before chunked is answered 501', (bench) =>
    assertRefused(
      bench,
      ['gzip, chunked', 'identity, chunked', 'gzip\r\nTransfer-Encoding: chunked'].map((codings) => [
        `${POST}Transfer-Encoding: ${codings}\r\n\r\n${SMUGGLED}`,
        { status: 501, code: 'SP_NOT_IMPLEMENTED', cause: 'unknown-coding: ' },
      ]),
    ),
  );

  row(3, 'Transfer-Encoding in HTTP/1.0 is refused, and the connection ends', (bench) =>
    assertRefused(bench, [
      [`${POST.replace('1.1', '1.0')}${CHUNKED}\r\n${SMUGGLED}`, because('coding-in-1.0')],
      [`${POST.replace('1.1', '1.0')}Connection: keep-alive\r\n${CHUNKED}\r\n${SMUGGLED}`, because('coding-in-1.0')],
    ]),
  );

  row(4, 'A folded line is refused, by a space or a tab, first or last, in a trailer section too', (bench) =>
    assertRefused(
      bench,
      [
        `X: a\r\n b\r\n${HOST}`,
        `${HOST}X: a\r\n\tb\r\n`,
        ` X: a\r\n${HOST}`,
        `${HOST}Transfer-Encoding:\r\n chunked\r\n`,
        `${HOST}Content-Length: 5\r\n \r\n`,
      ].map((lines) => [`${GET_LINE}${lines}\r\n${SMUGGLED}`, because('folded-line')]),
    ),
  );

  row(5, 'White space before a colon is refused', (bench) =>
    assertRefused(
      bench,
      ['Content-Length : 5', 'Content-Length\t: 5', 'Transfer-Encoding : chunked', 'X : y'].map((line) => [
        `${POST}${line}\r\n\r\n${SMUGGLED}`,
        because('space-before-colon'),
      ]),
    ),
  );

  row(5, 'Control characters, NUL and DEL are refused in names, values and the request line', (bench) =>
    assertRefused(bench, [
      ...['X: a\0b', 'X: a\x01b', 'X: a\x08', 'X: \x7f', 'X: a\x0bb', 'X: a\x1bb'].map(
        (line) => [`${GET_LINE}${HOST}${line}\r\n\r\n`, because('bad-value')] as const,
      ),
      ...['X\0: a', 'X\x01: a', '\x7f: a', 'Transfer-Encoding\x0b: chunked', 'X(: a', ': a', '\xfc: a'].map(
        (line) => [`${GET_LINE}${HOST}${line}\r\n\r\n`, because('bad-name')] as const,
      ),
      ...['/session/demo/\0', '/session/demo/\x01', '/session/demo/\x7f', '/session/demo/\t', '/session/demo/\xfc'].map(
        (target) => [`GET ${target} HTTP/1.1\r\n${HOST}\r\n`, because('bad-target')] as const,
      ),
      [`GET\0 /session/demo/ HTTP/1.1\r\n${HOST}\r\n`, because('bad-method')],
    ]),
  );

  row(5, 'A bare CR or LF is refused, wherever a line should end or go on', (bench) =>
    assertRefused(
      bench,
      [
        `${GET_LINE}${HOST}X: a\nContent-Length: 5\r\n\r\nhello`,
        `${GET_LINE}${HOST}X: a\rContent-Length: 5\r\n\r\nhello`,
        `${GET_LINE}${HOST}X: a\r\r\n\r\n`,
        `${GET_LINE}${HOST}\n${SMUGGLED}`,
        `${GET_LINE.replace('\r\n', '\n')}${HOST}\r\n`,
        `${GET_LINE.replace('\r\n', '\r')}${HOST}\r\n`,
        `${GET_LINE.replace('\r\n', '\r\r\n')}${HOST}\r\n`,
        `GET /session/demo/x HTTP/1.1\n${HOST.replace('\r', '')}\n`,
      ].map((request) => [request, because('bad-line-end')]),
    ),
  );

  row(5, 'What does not begin as HTTP/1 is refused, and other versions of HTTP are answered 505', (bench) =>
    assertRefused(bench, [
      ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', because('not-http')],
      ['\0\0\0\0', because('not-http')],
      ['\nGET / HTTP/1.1\r\n\r\n', because('not-http')],
      ['\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n', because('not-http')],
      ['what?\r\n\r\n', because('bad-method')],
      ['GET  /session/demo/ HTTP/1.1\r\n\r\n', because('bad-target')],
      ['GET /session/demo/ x HTTP/1.1\r\n\r\n', because('bad-request-line')],
      ['GET /session/demo/ http/1.1\r\n\r\n', because('bad-request-line')],
      ...['GET /session/demo/', 'GET /session/demo/ HTTP/0.9', 'GET /session/demo/ HTTP/1.2', 'PRI * HTTP/2.0'].map(
        (line) =>
          [`${line}\r\n\r\nSM\r\n\r\n`, { status: 505, code: 'SP_VERSION', cause: 'bad-version: ' } as const] as const,
      ),
    ]),
  );

  row(6, 'Chunk extensions are read and dropped', async (bench) => {
    const { visitor, far, head } = await ask(bench, `${POST}${CHUNKED}\r\n5;a=b;c="d;"\r\nhello\r\n0;last\r\n\r\n`);
    assert.deepEqual(valuesOf(head.fields, 'transfer-encoding'), ['chunked']);
    assert.equal(await far.readThrough('0\r\n\r\n'), '5\r\nhello\r\n0\r\n\r\n');
    far.send(OK);
    await visitor.readThrough('ok');
    far.close();
  });

  row(
    6,
    'A bad chunk, or more than 4 KiB of chunk extensions, is answered 400, and the backend has no whole request',
    (bench) =>
      assertCutUploads(
        bench,
        [
          ...['g', '-5', '+5', '0x5', ' 5', '', '5 5', '5\n', '5\r', 'ffffffffffffffff', '00000000000000005'].map(
            (size) => [`${size}\r\nhello\r\n0\r\n\r\n`, 'bad-chunk-size'] as const,
          ),
          ['5;a\nhello\r\n0\r\n\r\n', 'bad-chunk-extension'],
          [`5;${'a'.repeat(5_000)}\r\nhello\r\n0\r\n\r\n`, 'bad-chunk-extension'],
          [`${`1;${'a'.repeat(100)}\r\nx\r\n`.repeat(50)}0\r\n\r\n`, 'bad-chunk-extension'],
          ['5\r\nhelloX\r\n0\r\n\r\n', 'bad-chunk-end'],
          ['5\r\nhello\n0\r\n\r\n', 'bad-chunk-end'],
          ['5\r\nhello\r\n0\r\nX : y\r\n\r\n', 'space-before-colon'],
          ['5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n', 'folded-line'],
          [`5\r\nhello\r\n0\r\n${'X: y\r\n'.repeat(1_100)}\r\n`, 'too-many-lines'],
        ].map(([chunks, cause]) => [chunks, cause] as const),
      ),
  );

  row(6, 'A body of very many one-byte chunks arrives whole', async (bench) => {
    const bytes = 90_000;
    const { visitor, far } = await ask(bench, `${POST}${CHUNKED}\r\n`);
    visitor.send(`${'1\r\nx\r\n'.repeat(bytes)}0\r\n\r\n`);
    const text = await far.readThrough('0\r\n\r\n');
    assert.equal(text.replace(/[0-9a-f]+\r\n(x*)\r\n/g, '$1').replace('0\r\n\r\n', ''), 'x'.repeat(bytes));
    far.send(OK);
    await visitor.readThrough('ok');
    far.close();
  });

  row(9, 'Too many header lines are answered 431: 1,100 of them hide no Content-Length behind them', (bench) =>
    assertRefused(
      bench,
      [1_100, 1_001].map((lines) => [
        `${POST}${'X: y\r\n'.repeat(lines)}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
        { status: 431, code: 'SP_HEAD_TOO_LARGE' },
      ]),
    ),
  );

  row(9, 'A head of very many lines arrives with all of them, and its body by the last of them', async (bench) => {
    const lines = 900;
    const { visitor, far, head } = await ask(bench, `${POST}${'X: y\r\n'.repeat(lines)}Content-Length: 5\r\n\r\nhello`);
    assert.equal(valuesOf(head.fields, 'x').length, lines);
    assert.equal((await far.read(5)).toString(), 'hello');
    far.send(OK);
    await visitor.readThrough('ok');
    far.close();
  });

  row(9, 'More bytes than a head may have are answered 431', (bench) =>
    assertRefused(
      bench,
      [`X: ${'y'.repeat(70_000)}\r\n`, `X: ${'y'.repeat(700)}\r\n`.repeat(100)].map((lines) => [
        `${GET_LINE}${HOST}${lines}\r\n`,
        { status: 431, code: 'SP_HEAD_TOO_LARGE', cause: 'head-too-large: ' },
      ]),
    ),
  );

  row(25, 'A HEAD that is refused has the fields of the problem, and no body', async (bench) => {
    for (const lines of ['Transfer-Encoding: gzip, chunked\r\n', 'X : y\r\n', 'Content-Length: x\r\n']) {
      const visitor = await bench.visit();
      visitor.send(`HEAD /session/demo/x HTTP/1.1\r\n${HOST}${lines}\r\n`);
      const { first, fields } = await visitor.readHead();
      assert.match(first, /^HTTP\/1\.1 (?:400|501) /);
      assert.ok(Number(valuesOf(fields, 'content-length')[0]) > 0);
      assert.deepEqual(await visitor.readAll(), { bytes: Buffer.alloc(0), how: 'end' });
    }
    await assertNothingForwarded(bench);
  });

  row(10, 'A target that is too long is answered 414', (bench) =>
    assertRefused(
      bench,
      [8_193, 20_000, 70_000].map((length) => [
        `GET ${'/session/demo/'.padEnd(length, 'x')} HTTP/1.1\r\n${HOST}\r\n`,
        { status: 414, code: 'SP_TARGET_TOO_LONG' },
      ]),
    ),
  );

  row(10, 'A body that is declared over the limit is answered 413, and the backend hears nothing of it', (bench) =>
    assertRefused(
      bench,
      ['', 'Expect: 100-continue\r\n'].map((expect) => [
        `${POST}${expect}Content-Length: ${MAX_BODY_BYTES + 1}\r\n\r\n`,
        { status: 413, code: 'SP_BODY_TOO_LARGE' },
      ]),
    ),
  );

  row(10, 'A body that grows over the limit is answered 413, and the backend has no whole request', async (bench) => {
    const { visitor, far } = await ask(bench, `${POST}${CHUNKED}\r\n`);
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`;
    visitor.send(chunk.repeat(Math.ceil(MAX_BODY_BYTES / 0x1000) + 1));
    await readRefusal(visitor, { status: 413, code: 'SP_BODY_TOO_LARGE' }, 'a long body');
    assert.doesNotMatch((await far.readAll()).bytes.toString('latin1'), /0\r\n\r\n$/);
    far.close();
  });
});

/** Each of these chunked bodies is answered 400; the backend may have heard the beginning of it, and never its end. */
async function assertCutUploads(bench: RowBench, cases: readonly (readonly [string, string])[]): Promise<void> {
  for (const [chunks, cause] of cases) {
    const { visitor, far } = await ask(bench, `${POST}${CHUNKED}\r\n4\r\nsome\r\n`);
    visitor.send(`${chunks}${SMUGGLED}`);
    const limit = cause === 'too-many-lines' ? { status: 431, code: 'SP_HEAD_TOO_LARGE' } : BAD_REQUEST;
    await readRefusal(visitor, { ...limit, cause: `${cause}: ` }, chunks.slice(0, 100));
    const { bytes } = await far.readAll();
    assert.doesNotMatch(bytes.toString('latin1'), /0\r\n\r\n$|smuggled/, chunks.slice(0, 100));
    far.close();
  }
  await assertNothingForwarded(bench);
}
