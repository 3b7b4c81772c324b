import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RequestWriter, ResponseWriter } from './message-writer.ts';
import type { Output } from './output.ts';
import { writePieces } from './output.ts';
import { body, fields, method, target } from './testing/messages.ts';
import { readRequests, readResponses } from './testing/record.ts';

const TO_GET = { isToHead: false, minor: 1, keepsAlive: true };
const RUNS = 500;

/** Everything that was written, and in how many calls. */
class Tape implements Output {
  text = '';
  writes = 0;
  #corks = 0;

  write(data: string | Buffer, ...rest: unknown[]): boolean {
    this.text += typeof data === 'string' ? data : data.toString('latin1');
    if (this.#corks === 0) this.writes += 1;
    const onWritten = rest.at(-1);
    if (typeof onWritten === 'function') onWritten();
    return true;
  }

  cork(): void {
    this.#corks += 1;
  }

  uncork(): void {
    this.#corks -= 1;
    this.writes += 1;
  }
}

function bodyOf(
  writer: RequestWriter | ResponseWriter,
  pieces: readonly string[],
  trailers: readonly string[],
): string {
  let text = '';
  for (const piece of pieces) text += writer.before(piece.length)! + piece + writer.after;
  return text + writer.end(trailers)!;
}

describe('what the writers write', () => {
  it('is what the readers read, requests and answers, with a length and in chunks', () => {
    const pieces = fc.array(
      body.filter((text) => text !== ''),
      { maxLength: 4 },
    );
    const check = fc.property(
      method,
      target,
      fields,
      pieces,
      fields,
      fc.boolean(),
      (verb, path, flat, parts, trailers, isCounted) => {
        const whole = parts.join('');
        const sent = isCounted ? [...flat, 'content-LENGTH', String(whole.length)] : flat;
        const asked = new RequestWriter();
        const head = asked.head(verb, path, sent, true)!;
        const events = readRequests(head + bodyOf(asked, parts, isCounted ? [] : trailers));
        const read = isCounted ? sent : [...sent, 'Transfer-Encoding', 'chunked'];
        const expected = [...(whole === '' ? [] : [['body', whole]]), ['end', isCounted ? [] : trailers]];
        assert.deepEqual(events, [['head', verb, path, 1, read, isCounted ? 1 : 2], ...expected]);
        const answer = new ResponseWriter(5);
        const answerHead = answer.head(200, 'Fine \xfc', sent, TO_GET)!;
        const [first, ...rest] = readResponses(answerHead + bodyOf(answer, parts, isCounted ? [] : trailers));
        assert.deepEqual((first as unknown[]).slice(0, 3), ['head', 200, 'Fine \xfc']);
        assert.deepEqual(((first as unknown[])[4] as string[]).slice(0, sent.length), sent);
        assert.deepEqual(rest, expected);
      },
    );
    fc.assert(check, { numRuns: RUNS });
  });

  it('is nothing where a head would not be one head any more', () => {
    const asked = new RequestWriter();
    const answer = new ResponseWriter(5);
    for (const flat of [
      ['Bad Name', '1'],
      ['', '1'],
      ['X', 'a\r\nb'],
      ['X', 'a\nb: c'],
      ['X', '\0'],
      ['X', '\u010a'],
      ['Content-Length', '1', 'Content-Length', '1'],
      ['Content-Length', '1x'],
      ['Transfer-Encoding', 'chunked'],
      ['connection', 'close'],
    ]) {
      assert.equal(asked.head('GET', '/', flat, true), null, flat.join());
      assert.equal(answer.head(200, 'OK', flat, TO_GET), null, flat.join());
      assert.equal(
        answer.informational(103, 'Early', flat.slice(0, 2)) === null,
        !flat[0]!.startsWith('Content-L') || flat[1] === '1x',
        flat.join(),
      );
    }
    for (const path of ['', 'a b', '/\r\n', '/\u0120']) assert.equal(asked.head('GET', path, [], false), null);
    assert.equal(asked.head('G T', '/', [], false), null);
    assert.equal(answer.head(200, 'O\nK', [], TO_GET), null);
    assert.equal(answer.head(20, 'OK', [], TO_GET), null);
  });

  it('is never more nor less body than was said', () => {
    const asked = new RequestWriter();
    asked.head('PUT', '/', ['Content-Length', '3'], true);
    assert.deepEqual([asked.before(2), asked.end([]), asked.before(2)], ['', null, null]);
    asked.head('PUT', '/', ['Content-Length', '3'], true);
    assert.deepEqual([asked.before(3), asked.end([])], ['', '']);
    assert.equal(asked.head('PUT', '/', ['Content-Length', '3'], false), null);
  });
});

describe('the head of a request', () => {
  it('says how its body comes, and what it asks the connection to become', () => {
    const asked = new RequestWriter();
    const head = (verb: string, flat: readonly string[], hasBody: boolean) => asked.head(verb, '/a', flat, hasBody);
    assert.equal(head('GET', ['Host', 'a'], false), 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal(head('POST', [], false), 'POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n');
    assert.equal(head('POST', [], true), 'POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n');
    assert.equal(head('GET', ['upgrade', 'b'], true), 'GET /a HTTP/1.1\r\nupgrade: b\r\nConnection: Upgrade\r\n\r\n');
    assert.match(head('POST', ['te', 'trailers'], true)!, /\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n$/);
    assert.match(head('GET', ['Upgrade', 'b', 'TE', 'trailers'], true)!, /\r\nConnection: Upgrade, TE\r\n\r\n$/);
    assert.equal(head('POST', ['Content-Length', '0'], false), 'POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n');
  });
});

describe('the head of an answer', () => {
  const answer = new ResponseWriter(5);
  const DATE = ['Date', 'then'];
  const KEPT = 'Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n';

  it('says how its body comes and what becomes of the connection', () => {
    const head = (context: Partial<typeof TO_GET>, ...flat: string[]) =>
      answer
        .head(200, 'OK', [...DATE, ...flat], { ...TO_GET, ...context })!
        .slice('HTTP/1.1 200 OK\r\nDate: then\r\n'.length);
    assert.equal(head({}), `${KEPT}Transfer-Encoding: chunked\r\n\r\n`);
    assert.equal(head({}, 'Content-Length', '2'), `Content-Length: 2\r\n${KEPT}\r\n`);
    assert.equal(head({ keepsAlive: false }, 'Content-Length', '2'), 'Content-Length: 2\r\nConnection: close\r\n\r\n');
    assert.equal(head({ isToHead: true }, 'Content-Length', '2'), `Content-Length: 2\r\n${KEPT}\r\n`);
    assert.equal(head({ isToHead: true }), `${KEPT}\r\n`);
    assert.equal(head({ minor: 0 }), 'Connection: close\r\n\r\n');
    assert.ok(answer.closes);
  });

  it('has a body only where there may be one', () => {
    for (const status of [204, 304]) {
      answer.head(status, '', DATE, TO_GET);
      assert.equal(answer.before(1), null);
      assert.equal(answer.end(['X', '1']), '');
    }
  });

  it('announces trailers only where they can follow, and has a Date', () => {
    assert.match(answer.head(200, 'OK', ['Trailer', 'X'], TO_GET)!, /\r\nTrailer: X\r\n/);
    assert.doesNotMatch(answer.head(200, 'OK', ['TRAILER', 'X', 'Content-Length', '0'], TO_GET)!, /trailer/i);
    assert.match(answer.head(200, 'OK', [], TO_GET)!, /\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
    assert.equal(
      answer.informational(101, 'S', ['Upgrade', 'a']),
      'HTTP/1.1 101 S\r\nUpgrade: a\r\nConnection: Upgrade\r\n\r\n',
    );
    assert.equal(answer.informational(103, 'Early', ['Link', 'a']), 'HTTP/1.1 103 Early\r\nLink: a\r\n\r\n');
  });
});

const write = (name: string) => new ResponseWriter(5).head(200, 'OK', [name, '1'], TO_GET);

describe('a name that is written again', () => {
  it('is looked up, however many a stranger has sent before', (t) => {
    for (let i = 0; i < 2_000; i += 1) write(`x-filler-${i}`);
    write('X-Late');
    const test = t.mock.method(RegExp.prototype, 'test');
    assert.ok(write('X-Late') !== null);
    // Of reason and value.
    assert.deepEqual(new Set(test.mock.calls.map(({ arguments: [text] }) => text)), new Set(['OK', '1']));
  });
});

describe('pieces of a message', () => {
  it('go out in one write, small and large, and are said to be written once', () => {
    for (const size of [0, 1, 4_096, 4_097, 100_000]) {
      for (const [before, after] of [
        ['', ''],
        ['head\r\n', ''],
        ['a\r\n', '\r\n'],
      ] as const) {
        const tape = new Tape();
        let written = 0;
        const chunk = Buffer.alloc(size, '\xfc', 'latin1');
        writePieces(tape, before, chunk, after, () => (written += 1));
        assert.deepEqual([tape.text, tape.writes, written], [before + chunk.toString('latin1') + after, 1, 1]);
      }
    }
  });
});
