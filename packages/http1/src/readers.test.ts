import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Faults } from './fault.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { Phase } from './message-reader.ts';
import { RequestReader } from './request-reader.ts';
import { readRequests, readResponses } from './testing/record.ts';

const GET = 'GET / HTTP/1.1\r\n';

function lastOf(events: readonly unknown[]): unknown {
  return events.at(-1);
}

/** What a request is refused for, named by its rule. */
const REFUSED: readonly (readonly [keyof typeof Faults, readonly string[]])[] = [
  ['NOT_HTTP', ['\x16\x03\x01\x02\x00', '\n', ' GET / HTTP/1.1\r\n', '\r\n\r\n\r\n\r\n\r\n']],
  ['METHOD', ['GET\t/ HTTP/1.1\r\n\r\n', 'G@T / HTTP/1.1\r\n\r\n', 'GET\r\n\r\n']],
  [
    'TARGET',
    ['GET  / HTTP/1.1\r\n\r\n', 'GET /\0 HTTP/1.1\r\n\r\n', 'GET /\t HTTP/1.1\r\n\r\n', 'GET /\xfc HTTP/1.1\r\n\r\n'],
  ],
  [
    'VERSION',
    [
      'GET /\r\n\r\n',
      'GET / HTTP/0.9\r\n\r\n',
      'GET / HTTP/2.0\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\n',
      'GET / HTTP/1.2\r\n\r\n',
    ],
  ],
  [
    'REQUEST_LINE',
    ['GET / \r\n', 'GET / http/1.1\r\n\r\n', 'GET / a HTTP/1.1\r\n\r\n', 'GET / HTTP\r\n\r\n', 'GET / HTTP/2\r\n\r\n'],
  ],
  [
    'LINE_END',
    [
      'GET / HTTP/1.1\n\n',
      'GET / HTTP/1.1 \r\n\r\n',
      `${GET}A: b\n\r\n`,
      `${GET}A: b\rc\r\n\r\n`,
      `${GET}A\r\n\r\n`,
      `${GET}\rA: b\r\n\r\n`,
    ],
  ],
  ['NAME', [`${GET}: b\r\n\r\n`, `${GET}A(: b\r\n\r\n`, `${GET}A\0: b\r\n\r\n`, `${GET}\xfc: b\r\n\r\n`]],
  ['SPACE_BEFORE_COLON', [`${GET}Host : a\r\n\r\n`, `${GET}Content-Length\t: 5\r\n\r\n`]],
  ['FOLDED', [`${GET}A: b\r\n c\r\n\r\n`, `${GET}A: b\r\n\tc\r\n\r\n`, `${GET} A: b\r\n\r\n`]],
  ['VALUE', [`${GET}A: \0\r\n\r\n`, `${GET}A: b\x7f\r\n\r\n`, `${GET}A: \x0b\r\n\r\n`]],
  [
    'LENGTH',
    ['+5', '-1', '0x5', '5 5', '', '1e2', '9999999999999999'].map((text) => `${GET}Content-Length: ${text}\r\n\r\n`),
  ],
  ['LENGTHS', [`${GET}Content-Length: 5\r\ncontent-length: 5\r\n\r\n`, `${GET}Content-Length: 5, 5\r\n\r\n`]],
  [
    'LENGTH_AND_CODING',
    [
      `${GET}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
      `${GET}TRANSFER-encoding: chunked\r\nCONTENT-length: 5\r\n\r\n`,
    ],
  ],
  ['CODING_IN_1_0', ['GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n']],
  [
    'CODING',
    ['identity', 'chunked, gzip', 'chunked, chunked', '', 'xchunked', 'chunked;a', '"chunked"', 'chunked\xa0'].map(
      (text) => `${GET}Transfer-Encoding: ${text}\r\n\r\n`,
    ),
  ],
  [
    'UNKNOWN_CODING',
    [
      `${GET}Transfer-Encoding: gzip, chunked\r\n\r\n`,
      `${GET}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n`,
    ],
  ],
  ['START_LINE_TOO_LONG', [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`, 'a'.repeat(20_000)]],
  [
    'HEAD_TOO_LARGE',
    [`${GET}A: ${'a'.repeat(70_000)}\r\n\r\n`, `${GET}${`A: ${'b'.repeat(700)}\r\n`.repeat(100)}\r\n`],
  ],
  [
    'TOO_MANY_LINES',
    [`${GET}${'A: b\r\n'.repeat(1_001)}\r\n`, `${GET}${'A: b\r\n'.repeat(1_100)}Content-Length: 5\r\n\r\n`],
  ],
];

const CHUNKED = `${GET}Transfer-Encoding: chunked\r\n\r\n`;
const REFUSED_BODIES: readonly (readonly [keyof typeof Faults, readonly string[]])[] = [
  [
    'CHUNK_SIZE',
    [
      '\r\n',
      'g\r\n',
      '-1\r\n',
      '+1\r\n',
      '0x1\r\n',
      ' 1\r\na',
      '1 \r\na',
      '1\na',
      '1\r\r\n',
      '10000000000000\r\n',
      '00000000000001\r\n',
    ],
  ],
  ['CHUNK_EXTENSION', ['1;a\nb', '1;a\0\r\n', `1;${'a'.repeat(5_000)}\r\n`]],
  ['CHUNK_END', ['1\r\nab', '1\r\na\n', '1\r\na\r\r', '2\r\na\r\n0\r\n\r\n']],
  ['FOLDED', ['0\r\nA: b\r\n c\r\n\r\n']],
  ['HEAD_TOO_LARGE', [`0\r\nA: ${'a'.repeat(70_000)}\r\n\r\n`]],
];

describe('a request reader', () => {
  it('reads method, target, version and fields as they were sent', () => {
    const text =
      'm-SEARCH http://a/b%2F?#\\ HTTP/1.0\r\nHost:a\r\nx-MANY: \t1 2\t \r\nX-Many:\r\nuser-agent: \xff\r\n\r\n';
    const fields = ['Host', 'a', 'x-MANY', '1 2', 'X-Many', '', 'user-agent', '\xff'];
    assert.deepEqual(readRequests(text), [
      ['head', 'm-SEARCH', 'http://a/b%2F?#\\', 0, fields, 0],
      ['end', []],
    ]);
  });

  it('reads one request after another, and few empty lines between them', () => {
    const two = `${GET}\r\n\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc${GET}\r\n`;
    assert.deepEqual(
      readRequests(two).map((event) => (event as string[]).slice(0, 3).join(' ')),
      ['head GET /', 'end ', 'head POST /b', 'body abc', 'end ', 'head GET /', 'end '],
    );
  });

  it('stops behind each request, until it is told to go on', () => {
    const reader = new RequestReader(DEFAULT_LIMITS, { onHead: () => {}, onBody: () => {} });
    const bytes = Buffer.from(`${GET}\r\n${GET}\r\n`);
    assert.equal(reader.read(bytes, 0, bytes.length), bytes.length / 2);
    assert.equal(reader.phase, Phase.DONE);
    assert.equal(reader.read(bytes, bytes.length / 2, bytes.length), bytes.length / 2);
    reader.next();
    assert.ok(reader.isIdle);
    assert.equal(reader.read(bytes, bytes.length / 2, bytes.length), bytes.length);
  });

  it('reads chunks, drops their extensions and keeps the trailers', () => {
    const text = `${CHUNKED}4;a=b;c="d;"\r\nbody\r\n00A ; x\r\n0123456789\r\n0\r\nX-Sum: 1\r\nx-sum: \xfc\r\n\r\n`;
    assert.deepEqual(readRequests(text).slice(1), [
      ['body', 'body0123456789'],
      ['end', ['X-Sum', '1', 'x-sum', '\xfc']],
    ]);
  });

  it('lets no trailer change what the head said of message and connection', () => {
    const reader = new RequestReader(DEFAULT_LIMITS, { onHead: () => {}, onBody: () => {} });
    const trailers = ['Connection', 'close', 'Content-Length', '5', 'Content-Length', '6', 'Expect', 'x'];
    const lines = trailers.flatMap((value, i) => (i % 2 === 1 ? [`${trailers[i - 1]!}: ${value}\r\n`] : []));
    const bytes = Buffer.from(`${CHUNKED}0\r\n${lines.join('')}\r\n`);
    assert.equal(reader.read(bytes, 0, bytes.length), bytes.length);
    assert.deepEqual([reader.phase, reader.keepsAlive, reader.facts.expect], [Phase.DONE, true, '']);
    assert.deepEqual(reader.trailers, trailers);
  });

  it('gives small chunks that came together as one piece, and large ones as they are', () => {
    const pieces: string[] = [];
    const reader = new RequestReader(DEFAULT_LIMITS, {
      onHead: () => {},
      onBody: (chunk) => pieces.push(chunk.toString('latin1')),
    });
    const large = 'x'.repeat(5_000);
    const read = (text: string): void => {
      const bytes = Buffer.from(text);
      reader.read(bytes, 0, bytes.length);
    };
    read(`${CHUNKED}1\r\na\r\n2;x\r\nbc\r\n3\r\ndef\r\n1388\r\n${large}\r\n1\r\ng\r\n2\r\nh`);
    assert.deepEqual(pieces, ['abcdef', large, 'gh']);
    read(`i\r\n1\r\nj\r\n0\r\n\r\n`);
    assert.deepEqual([pieces.slice(3), reader.phase], [['ij'], Phase.DONE]);
  });

  it('gives what came before a bad chunk', () => {
    assert.deepEqual(readRequests(`${CHUNKED}1\r\na\r\n1\r\nb\r\nz`).slice(1), [
      ['body', 'ab'],
      ['fault', 'bad-chunk-size'],
    ]);
  });

  it('takes up to its limits, and not a byte nor a line more', () => {
    const head = `${GET}A: b\r\nA: b\r\n\r\n`;
    const exact = { startLineBytes: GET.length, headBytes: head.length, headLines: 2 };
    assert.deepEqual(lastOf(readRequests(head, [], exact)), ['end', []]);
    for (const [limit, code] of [
      ['startLineBytes', 'start-line-too-long'],
      ['headBytes', 'head-too-large'],
      ['headLines', 'too-many-lines'],
    ] as const) {
      assert.deepEqual(readRequests(head, [], { ...exact, [limit]: exact[limit] - 1 }), [['fault', code]]);
    }
  });

  for (const [name, inputs] of REFUSED) {
    it(`refuses what breaks ${Faults[name].rule}: ${Faults[name].text}`, () => {
      for (const input of inputs) {
        assert.deepEqual(readRequests(input), [['fault', Faults[name].code]], JSON.stringify(input.slice(0, 80)));
      }
    });
  }

  for (const [name, inputs] of REFUSED_BODIES) {
    it(`refuses a chunked body that breaks ${Faults[name].rule}: ${Faults[name].text}`, () => {
      for (const input of inputs) {
        const events = readRequests(CHUNKED + input);
        assert.deepEqual(lastOf(events), ['fault', Faults[name].code], JSON.stringify(input.slice(0, 80)));
      }
    });
  }

  it('calls a message cut that the connection ends within, and no other', () => {
    for (const text of ['G', GET, `${GET}A: b\r\n`, `${GET}Content-Length: 2\r\n\r\na`, `${CHUNKED}1\r\na\r\n0\r\n`]) {
      assert.deepEqual(lastOf(readRequests(text)), ['fault', 'cut'], text);
    }
    assert.deepEqual(readRequests(''), []);
    assert.deepEqual(lastOf(readRequests(`${GET}\r\n`)), ['end', []]);
  });

  it('can be stopped from within a body, and reads no more then', () => {
    let pieces = 0;
    const reader: RequestReader = new RequestReader(DEFAULT_LIMITS, {
      onHead: () => {},
      onBody: () => {
        pieces += 1;
        reader.stop();
      },
    });
    const bytes = Buffer.from(`${CHUNKED}1\r\na\r\n1\r\nb\r\n0\r\n\r\n`);
    reader.read(bytes, 0, bytes.length);
    assert.deepEqual([pieces, reader.phase], [1, Phase.STOPPED]);
  });
});

describe('a response reader', () => {
  it('reads status, reason and fields as they were sent, also without a reason', () => {
    const fields = ['Set-Cookie', 'a', 'set-cookie', '\xfc'];
    const lines = '\r\nSet-Cookie: a\r\nset-cookie: \xfc\r\n\r\n';
    const head = (line: string) => readResponses(line + lines)[0];
    assert.deepEqual(head('HTTP/1.1 207 Fine by m\xfc'), ['head', 207, 'Fine by m\xfc', 1, fields]);
    assert.deepEqual(head('HTTP/1.0 404 '), ['head', 404, '', 0, fields]);
    assert.deepEqual(head('HTTP/1.1 200  All right \t'), ['head', 200, 'All right', 1, fields]);
    assert.deepEqual(head('HTTP/1.1 999'), ['head', 999, '', 1, fields]);
  });

  it('knows where each body ends', () => {
    const end = ['end', []];
    for (const [text, method, ...rest] of [
      ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc', 'GET', ['body', 'abc'], end],
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', 'GET', ['body', 'abc'], end],
      ['HTTP/1.1 200 OK\r\n\r\nabc', 'GET', ['body', 'abc'], end],
      ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', 'HEAD', end],
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'HEAD', end],
      ['HTTP/1.1 304 Same\r\nContent-Length: 3\r\n\r\n', 'GET', end],
      ['HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n', 'GET', end],
      ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'GET', end],
    ] as const) {
      assert.deepEqual(readResponses(text, [], { method }).slice(1), rest, text);
    }
  });

  it('reads informational heads before the answer, and raw bytes behind a 101', () => {
    const early = 'HTTP/1.1 103 Early\r\nLink: a\r\n\r\n';
    const events = readResponses(`HTTP/1.1 100 Continue\r\n\r\n${early}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`);
    assert.deepEqual(
      events.map((event) => (event as unknown[])[1]),
      [100, 103, 200, []],
    );
    assert.deepEqual(readResponses(`${early}HTTP/1.1 101 Switching\r\n\r\n\0raw`).slice(1), [
      ['head', 101, 'Switching', 1, []],
      ['raw'],
    ]);
  });

  it('refuses what is no answer, by the rule it breaks', () => {
    for (const [text, fault] of [
      ['what?\r\n\r\n', Faults.NOT_HTTP],
      ['HTTP/2 200 OK here\r\n\r\n', Faults.NOT_HTTP],
      ['\r\nHTTP/1.1 200 OK\r\n\r\n', Faults.NOT_HTTP],
      ['HTTP/1.1 20 OK\r\n\r\n', Faults.STATUS_LINE],
      ['HTTP/1.1 099 OK\r\n\r\n', Faults.STATUS_LINE],
      ['HTTP/1.1 2000 OK\r\n\r\n', Faults.STATUS_LINE],
      ['HTTP/1.1  200 OK\r\n\r\n', Faults.STATUS_LINE],
      ['HTTP/1.1 200 O\0\r\n\r\n', Faults.STATUS_LINE],
      ['HTTP/1.1\r\n\r\n', Faults.STATUS_LINE],
      ['HTTP/1.2 200 OK\r\n\r\n', Faults.VERSION],
      ['HTTP/1.1 200 OK\n\n', Faults.LINE_END],
      ['HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n', Faults.FOLDED],
      ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', Faults.LENGTHS],
      ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', Faults.LENGTH_AND_CODING],
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n', Faults.CODING],
      ['HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', Faults.CODING_IN_1_0],
    ] as const) {
      assert.deepEqual(readResponses(text), [['fault', fault.code]], text);
    }
  });
});
