/** The second reading of RFC 9112, by examples: what it is held against must not be read as the product reads it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readRequest, readResponse } from './rfc9112.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const request = (text: string) => readRequest(latin1(text));
const withLines = (...lines: string[]) => request(`POST /x HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
const response = (text: string, method = 'GET', hasEnded = false) => readResponse(latin1(text), 0, method, hasEnded);
const withBody = (status: string) => `HTTP/1.1 ${status}\r\nContent-Length: 5\r\n\r\nhello`;
const chunked = (body: string) => request(`POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);

describe('a request by the second reading of RFC 9112', () => {
  it('is its method, target, lines and body as they stand', () => {
    const read = request('PUT /a%2F..//b?c HTTP/1.1\r\nHost: h\r\nx-a:  b c\t\r\nContent-Length: 3\r\n\r\nabcGET');
    assert.equal(read.kind, 'whole');
    const { message } = read;
    assert.deepEqual([message.method, message.target, message.minor], ['PUT', '/a%2F..//b?c', 1]);
    assert.deepEqual(message.lines, [
      ['Host', 'h'],
      ['x-a', 'b c'],
      ['Content-Length', '3'],
    ]);
    assert.equal(message.body.toString(), 'abc');
    assert.equal(read.next, message.headBytes + 3);
  });

  it('has a body of chunks and trailers', () => {
    const read = chunked('3\r\nabc\r\n002;a="x;\\"";b\r\nde\r\n0\r\nX-T: v\r\n\r\n');
    assert.equal(read.kind, 'whole');
    assert.equal(read.message.body.toString(), 'abcde');
    assert.deepEqual(read.message.trailers, [['X-T', 'v']]);
    assert.deepEqual(read.message.doubts, []);
  });

  it('without anything said of a body has none', () => {
    const read = request('POST /x HTTP/1.1\r\n\r\nabc');
    assert.deepEqual([read.kind, read.message!.framing, read.message!.body.length], ['whole', 'none', 0]);
  });

  it('is a part as long as bytes are missing, wherever it is torn', () => {
    const texts = [
      'POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc',
      'POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a\r\nabc\r\n0\r\nX: y\r\n\r\n',
    ];
    for (const text of texts) {
      for (let at = 1; at < text.length; at += 1)
        assert.equal(request(text.slice(0, at)).kind, 'part', text.slice(0, at));
      assert.equal(request(text).kind, 'whole');
    }
  });

  const wrong: readonly [string, string][] = [
    ['two spaces in the request line', 'GET  /x HTTP/1.1\r\n\r\n'],
    ['a tab in the request line', 'GET\t/x HTTP/1.1\r\n\r\n'],
    ['no version', 'GET /x\r\n\r\n'],
    ['another protocol', 'GET /x HTTP/2.0\r\n\r\n'],
    ['a version in lower case', 'GET /x http/1.1\r\n\r\n'],
    ['a space behind the version', 'GET /x HTTP/1.1 \r\n\r\n'],
    ['a method that is no token', 'G(T /x HTTP/1.1\r\n\r\n'],
    ['a target with a byte over 0x7F', 'GET /\xe9 HTTP/1.1\r\n\r\n'],
    ['a bare LF behind the request line', 'GET /x HTTP/1.1\nHost: h\r\n\r\n'],
    ['a bare LF behind a line', 'GET /x HTTP/1.1\r\nA: b\nC: d\r\n\r\n'],
    ['a bare CR in a value', 'GET /x HTTP/1.1\r\nA: b\rc\r\n\r\n'],
    ['NUL in a value', 'GET /x HTTP/1.1\r\nA: b\0\r\n\r\n'],
    ['a folded line', 'GET /x HTTP/1.1\r\nA: b\r\n c\r\n\r\n'],
    ['a folded line behind the request line', 'GET /x HTTP/1.1\r\n A: b\r\n\r\n'],
    ['a space before the colon', 'GET /x HTTP/1.1\r\nA : b\r\n\r\n'],
    ['a line without a colon', 'GET /x HTTP/1.1\r\nA\r\n\r\n'],
    ['an empty name', 'GET /x HTTP/1.1\r\n: b\r\n\r\n'],
  ];
  for (const [what, text] of wrong) it(`is wrong with ${what}`, () => assert.equal(request(text).kind, 'wrong'));

  for (const value of ['+5', '-5', '5,5', '5, 6', '0x5', '', '5 5', '\v5', '5.0']) {
    it(`is wrong with a Content-Length of ${JSON.stringify(value)}`, () => {
      assert.equal(withLines(`Content-Length: ${value}`).kind, 'wrong');
    });
  }

  for (const value of [
    'gzip',
    'identity',
    'chunked, chunked',
    'gzip, chunked',
    'chunked;q=1',
    'xchunked',
    '',
    '\xa0chunked',
  ]) {
    it(`is wrong with a Transfer-Encoding of ${JSON.stringify(value)}`, () => {
      assert.equal(withLines(`Transfer-Encoding: ${value}`).kind, 'wrong');
    });
  }

  it('is wrong with two lengths, with both of length and coding, and with a coding in HTTP/1.0', () => {
    assert.equal(withLines('Content-Length: 5', 'content-length: 5').kind, 'wrong');
    assert.equal(withLines('Content-Length: 5', 'Transfer-Encoding: chunked').kind, 'wrong');
    assert.equal(request('POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n').kind, 'wrong');
  });

  for (const size of ['0x5', '+5', ' 5', '5 ', '5\t', '', 'g', '-5', '5;\0', '5;a\rb', '5\r']) {
    it(`is wrong with a chunk size of ${JSON.stringify(size)}`, () => {
      assert.equal(chunked(`${size}\r\nhello\r\n0\r\n\r\n`).kind, 'wrong');
    });
  }

  for (const body of [
    '5\nhello\r\n0\r\n\r\n',
    '5\r\nhello\n0\r\n\r\n',
    '4\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\r\nA : b\r\n\r\n',
  ]) {
    it(`is wrong with the chunks ${JSON.stringify(body)}`, () => assert.equal(chunked(body).kind, 'wrong'));
  }

  it('may be refused where the RFC lets a reader choose', () => {
    const doubtful = [
      '\r\n\r\nGET /x HTTP/1.1\r\n\r\n',
      'GET /x HTTP/1.2\r\n\r\n',
      'POST /x HTTP/1.1\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n',
      'POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0;;\r\n\r\n',
      'POST /x HTTP/1.1\r\nContent-Length: 0000000000000000\r\n\r\n',
    ];
    for (const text of doubtful) {
      const read = request(text);
      assert.equal(read.kind, 'whole', text);
      assert.equal(read.message.doubts.length, 1, text);
    }
    assert.deepEqual(request('\r\nGET /x HTTP/1.1\r\n\r\n').message!.doubts, []);
  });
});

describe('an answer by the second reading of RFC 9112', () => {
  it('has the body that its length, its chunks or the end of the connection give it', () => {
    assert.equal(response('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc').message!.body.toString(), 'ab');
    const chunks = response('HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nx');
    assert.deepEqual([chunks.kind, chunks.message!.body.toString()], ['whole', 'a']);
    assert.equal(response('HTTP/1.1 200 OK\r\n\r\nabc').kind, 'part');
    const ended = response('HTTP/1.1 200 OK\r\n\r\nabc', 'GET', true);
    assert.deepEqual([ended.kind, ended.message!.body.toString()], ['whole', 'abc']);
  });

  it('has none to HEAD, and with 1xx, 204 and 304', () => {
    for (const read of [
      response(withBody('200 OK'), 'HEAD'),
      response(withBody('103 x')),
      response(withBody('204 x')),
      response(withBody('304 x')),
    ]) {
      assert.deepEqual([read.kind, read.message!.body.length], ['whole', 0]);
    }
  });

  for (const line of [
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 200OK',
    'HTTP/2 200 OK',
    '200 OK',
    'HTTP/1.1 200 O\0K',
  ]) {
    it(`is wrong with the status line ${JSON.stringify(line)}`, () =>
      assert.equal(response(`${line}\r\n\r\n`).kind, 'wrong'));
  }
});
