/** The response reader beside llhttp, as node:http's client runs it: where they differ the table says why. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { ANSWER_TRICKS } from './testing/answer-tricks.ts';
import { response, stream } from './testing/messages.ts';
import { readResponses } from './testing/record.ts';

const CEILING_MS = 60_000;
const RUNS = 600;

/** What one of the two made of the first answer on a connection. */
interface Reading {
  /** Heads of status 1xx, then of the answer: status, reason, fields. */
  readonly heads: string[];
  body: string;
  trailers: string;
  /** The answer came to an end of its own, or to the one of its connection where that is its end. */
  isWhole: boolean;
  /** Why it was refused; empty: it was not. */
  code: string;
}

/** Where we refuse and llhttp reads on: by the code of our fault, with the line that decides it. */
const DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['not-http', 'RFC 9112 §2.2: only a server skips empty lines, before a request; llhttp does before an answer too'],
  ['bad-version', 'RFC 9112 §2.3: we speak 1.0 and 1.1; llhttp also takes 0.9 and 2.0'],
  ['bad-status-line', 'RFC 9112 §4: a status is three digits from 100 on, behind one space'],
  ['bad-line-end', 'RFC 9112 §2.2: a line ends in CR LF; llhttp reads more of some that do not'],
  ['unknown-coding', 'RFC 9112 §6.1: a coding that we cannot take off; llhttp takes any before chunked'],
  [
    'bad-coding',
    'RFC 9112 §6.3: what is not chunked last ends with its connection, which a tunnel cannot tell from a cut',
  ],
  ['coding-in-1.0', 'RFC 9112 §6.1: HTTP/1.0 has no transfer codings; llhttp reads them'],
  ['length-and-coding', 'RFC 9112 §6.1: one of the two is a lie; llhttp believes the coding'],
  ['bad-length', 'RFC 9110 §8.6: a length is digits, and one that can be counted with'],
  ['two-lengths', 'RFC 9112 §6.3: a length is said once'],
  ['bad-chunk-size', 'RFC 9112 §7.1: a chunk size is digits'],
  ['bad-chunk-extension', 'RFC 9112 §7.1.1: extensions hold no control characters'],
  ['folded-line', 'RFC 9112 §5.2: a proxy may refuse a folded line of an answer; llhttp joins it'],
  ['bad-value', 'RFC 9110 §5.5: no control characters'],
  ['bad-trailer', 'RFC 9110 §6.5.1: trailers say nothing of framing, routing and authentication'],
]);

/** Where llhttp refuses what we take. */
const THEIR_REFUSALS: ReadonlyMap<string, string> = new Map([
  ['HPE_STRICT', 'RFC 9112 §7.1.1: white space round chunk extensions is to be taken; llhttp refuses it'],
  ['HPE_INVALID_CHUNK_SIZE', 'RFC 9112 §7.1.1: the same before the first of them'],
  ['HPE_CR_EXPECTED', 'RFC 9112 §4: the space before a reason that is not there may be missing'],
]);

function ours(text: string): Reading {
  const reading: Reading = { heads: [], body: '', trailers: '', isWhole: false, code: '' };
  for (const event of readResponses(text) as unknown[][]) {
    if (reading.isWhole) break;
    if (event[0] === 'head') reading.heads.push(JSON.stringify([event[1], event[2], event[4]]));
    else if (event[0] === 'body') reading.body = event[1] as string;
    else if (event[0] === 'end') {
      reading.isWhole = true;
      reading.trailers = JSON.stringify(event[1]);
    } else if (event[0] === 'fault') reading.code = event[1] as string;
  }
  return reading;
}

/** Whether more stands in `text` than the answer that was read. */
function isWholeAt(text: string, { code }: Reading): boolean {
  const events = readResponses(text) as unknown[][];
  const end = events.findIndex(([kind]) => kind === 'end');
  return code === '' && end !== -1 && end < events.length - 1;
}

function report(t: TestContext, counts: ReadonlyMap<string, number>): void {
  for (const [what, times] of [...counts].toSorted((a, b) => b[1] - a[1])) t.diagnostic(`${times} × ${what}`);
}

describe('the response reader beside llhttp', { timeout: CEILING_MS }, () => {
  let answer = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(answer));
  });

  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.close();
  });

  async function nodes(text: string): Promise<Reading> {
    const reading: Reading = { heads: [], body: '', trailers: '', isWhole: false, code: '' };
    answer = Buffer.from(text, 'latin1');
    const { port } = server.address() as AddressInfo;
    await new Promise<void>((resolve) => {
      const asked = request({ port, host: '127.0.0.1', agent: false, maxHeaderSize: 65_536 });
      asked
        .on('error', (error: Error & { code?: string }) => {
          reading.code = error.code ?? 'error';
          resolve();
        })
        .on('information', ({ statusCode, statusMessage, rawHeaders }) => {
          reading.heads.push(JSON.stringify([statusCode, statusMessage.trim(), rawHeaders]));
        })
        .on('response', (message: IncomingMessage) => {
          const { statusCode, statusMessage = '', rawHeaders } = message;
          // RFC 9112 §4: white space round a reason is no part of it; llhttp keeps it.
          reading.heads.push(JSON.stringify([statusCode, statusMessage.trim(), rawHeaders]));
          message
            .on('data', (chunk: Buffer) => (reading.body += chunk.toString('latin1')))
            .on('error', (error: Error & { code?: string }) => (reading.code = error.code ?? 'error'))
            .on('close', () => {
              reading.isWhole = message.complete && reading.code === '';
              if (reading.isWhole) reading.trailers = JSON.stringify(message.rawTrailers);
              resolve();
            });
        })
        .end();
    });
    return reading;
  }

  /** Fails where the two differ in a way that the tables do not explain; else says how they compare. */
  async function compare(text: string): Promise<string> {
    const our = ours(text);
    const their = await nodes(text);
    const both = JSON.stringify({ text, our, their });
    const common = Math.min(our.heads.length, their.heads.length);
    assert.deepEqual(our.heads.slice(0, common), their.heads.slice(0, common), both);
    if (our.isWhole && their.isWhole) {
      assert.deepEqual(
        [our.body, our.trailers, our.heads.length],
        [their.body, their.trailers, their.heads.length],
        both,
      );
      return 'the same';
    }
    if (!our.isWhole && !their.isWhole) return 'refused or cut by both';
    if (their.isWhole) {
      assert.ok(DIFFERENCES.has(our.code), both);
      return `${our.code}: ${DIFFERENCES.get(our.code)}`;
    }
    // Node hands on what it has only when it has read it all: what follows a whole answer takes it away.
    if (isWholeAt(text, our))
      return 'llhttp refuses what comes behind a whole answer; that is for who holds the connection';
    assert.ok(THEIR_REFUSALS.has(their.code), both);
    return `${their.code}: ${THEIR_REFUSALS.get(their.code)}`;
  }

  it('reads what llhttp reads, and refuses at least what it refuses; the tables explain the rest', async (t) => {
    const counts = new Map<string, number>();
    const check = fc.asyncProperty(stream(response, 1), async (text) => {
      const how = await compare(text);
      counts.set(how, (counts.get(how) ?? 0) + 1);
    });
    await fc.assert(check, { numRuns: RUNS });
    report(t, counts);
    assert.ok((counts.get('the same') ?? 0) > RUNS / 10);
  });

  it('reads no trick otherwise than llhttp, but for what the tables explain', async (t) => {
    const counts = new Map<string, number>();
    for (const text of ANSWER_TRICKS) {
      const how = await compare(text);
      counts.set(how, (counts.get(how) ?? 0) + 1);
    }
    report(t, counts);
  });
});
