/** The request reader beside llhttp, as node:http runs it, over one corpus: where they differ the table says why. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { plainRequest, stream } from './testing/messages.ts';
import { readRequests } from './testing/record.ts';
import { TRICKS } from './testing/tricks.ts';

const CEILING_MS = 60_000;
const RUNS = 1_000;

/** What one of the two made of a stream of requests: each that was whole, and whether the stream was refused. */
interface Reading {
  readonly requests: string[];
  isRefused: boolean;
  code: string;
}

/** Why we refuse where llhttp goes further: by the code of our fault, with the line that decides it. */
const DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['not-http', 'RFC 9112 §2.2: CR LF before a request is skipped; llhttp skips a bare CR or LF as well'],
  ['bad-version', 'RFC 9112 §2.3: we speak 1.0 and 1.1; llhttp also takes 0.9 and 2.0'],
  ['bad-request-line', 'RFC 9112 §3: one space between its parts; llhttp takes more of some'],
  ['bad-line-end', 'RFC 9112 §2.2: a line ends in CR LF; llhttp reads more of some that do not'],
  ['bad-target', 'RFC 9112 §3.2: what is no part of a URI is no part of a target'],
  ['bad-method', 'RFC 9110 §9.1: a method is a token'],
  ['unknown-coding', 'RFC 9112 §6.1: a coding that we cannot take off is 501; llhttp takes any before chunked'],
  ['coding-in-1.0', 'RFC 9112 §6.1: HTTP/1.0 has no transfer codings; llhttp reads them'],
  ['bad-coding', 'RFC 9112 §6.3: chunked is last, once, and just that'],
  ['bad-length', 'RFC 9110 §8.6: a length is digits'],
  ['bad-chunk-size', 'RFC 9112 §7.1: a chunk size is digits'],
  ['bad-chunk-extension', 'RFC 9112 §7.1.1: extensions hold no control characters'],
]);

const UNENDED = 'RFC 9112 §2.2: what is wrong in the last line would have been refused at its end; llhttp does before';

/** Where llhttp refuses what we take. */
const THEIR_REFUSALS: ReadonlyMap<string, string> = new Map([
  ['HPE_INVALID_CONTENT_LENGTH', 'RFC 9110 §6.5.1: such a trailer is dropped on the way; llhttp reads it as a field'],
  ['HPE_INVALID_TRANSFER_ENCODING', 'RFC 9110 §6.5.1: the same'],
  ['HPE_INVALID_URL', 'RFC 9112 §3.2: which form of target fits a method is for who routes, which sees it whole'],
  ['HPE_STRICT', 'RFC 9112 §7.1.1: white space round chunk extensions is to be taken; llhttp refuses it'],
  ['HPE_INVALID_CHUNK_SIZE', 'RFC 9112 §7.1.1: the same before the first of them'],
  ['HPE_INVALID_METHOD', 'RFC 9110 §9.1: any token is a method; llhttp has a list'],
  ['HPE_CLOSED_CONNECTION', 'RFC 9112 §9.6: nothing is read behind a close; that is for who holds the connection'],
]);

function ours(text: string): Reading {
  const requests: string[] = [];
  let code = '';
  let open: unknown[] = [];
  for (const event of readRequests(text) as unknown[][]) {
    if (event[0] === 'head') open = [event[1], event[2], event[4], ''];
    else if (event[0] === 'body') open[3] = event[1];
    else if (event[0] === 'end') requests.push(JSON.stringify([...open, event[1]]));
    else code = event[1] as string;
  }
  return { requests, isRefused: code !== '' && code !== 'cut', code };
}

function report(t: TestContext, counts: ReadonlyMap<string, number>): void {
  for (const [what, times] of [...counts].toSorted((a, b) => b[1] - a[1])) t.diagnostic(`${times} × ${what}`);
}

describe('the request reader beside llhttp', { timeout: CEILING_MS }, () => {
  let theirs: Reading = { requests: [], isRefused: false, code: '' };
  const server = createServer({ requireHostHeader: false, keepAliveTimeout: 0, maxHeaderSize: 65_536 });

  before(async () => {
    server.on('request', (message: IncomingMessage, response) => {
      const reading = theirs;
      const place = reading.requests.push('') - 1;
      let body = '';
      message
        .on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
        .on('error', () => {})
        .on('end', () => {
          const { method, url, rawHeaders, rawTrailers } = message;
          reading.requests[place] = JSON.stringify([method, url, rawHeaders, body, rawTrailers]);
          response.end();
        });
    });
    server.on('clientError', (error: Error & { code?: string }, socket) => {
      if (error.code?.startsWith('HPE_') === true && error.code !== 'HPE_INVALID_EOF_STATE') {
        theirs.isRefused = true;
        theirs.code = error.code;
      }
      // What was read before is still on its way to its end.
      setImmediate(() => socket.destroy());
    });
    // Ours are as Node has them by default: not an upgrade, no CONNECT.
    server.on('connect', (_request, socket) => socket.destroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  async function nodes(text: string): Promise<Reading> {
    const reading: Reading = { requests: [], isRefused: false, code: '' };
    theirs = reading;
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
    socket.on('error', () => {}).resume();
    socket.end(Buffer.from(text, 'latin1'));
    await new Promise((resolve) => socket.on('close', resolve));
    while (reading.requests.at(-1) === '') reading.requests.pop();
    return reading;
  }

  /** Fails where the two differ in a way that the tables do not explain; else says how they compare. */
  async function compare(text: string): Promise<string> {
    const our = ours(text);
    const their = await nodes(text);
    const both = JSON.stringify({ text, our, their });
    const common = Math.min(our.requests.length, their.requests.length);
    assert.deepEqual(our.requests.slice(0, common), their.requests.slice(0, common), both);
    if (our.requests.length === their.requests.length && our.isRefused === their.isRefused) return 'the same';
    if (our.isRefused && our.requests.length <= their.requests.length) {
      const why = DIFFERENCES.get(our.code);
      assert.ok(why !== undefined, both);
      return `${our.code}: ${why}`;
    }
    if (their.isRefused) {
      const isUnended = our.code === 'cut' && ours(`${text}\n`).isRefused;
      const why = THEIR_REFUSALS.get(their.code) ?? (isUnended ? UNENDED : undefined);
      assert.ok(why !== undefined, both);
      return `${their.code}: ${why}`;
    }
    // Node hung up behind an answer that closes.
    assert.ok(/close|HTTP\/1\.0/i.test(text), both);
    return 'the connection was to end behind the request before';
  }

  it('reads what llhttp reads, and refuses at least what it refuses; the tables explain the rest', async (t) => {
    const counts = new Map<string, number>();
    const check = fc.asyncProperty(stream(plainRequest), async (text) => {
      const how = await compare(text);
      counts.set(how, (counts.get(how) ?? 0) + 1);
    });
    await fc.assert(check, { numRuns: RUNS });
    report(t, counts);
    assert.ok((counts.get('the same') ?? 0) > RUNS / 3);
  });

  it('reads no trick otherwise than llhttp, but for what the tables explain', async (t) => {
    const counts = new Map<string, number>();
    for (const text of TRICKS) {
      const how = await compare(text);
      counts.set(how, (counts.get(how) ?? 0) + 1);
    }
    report(t, counts);
  });
});
