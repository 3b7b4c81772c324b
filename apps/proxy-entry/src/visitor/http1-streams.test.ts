import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { request, stream } from '../../../../packages/http1/src/testing/messages.ts';
import { readRequests } from '../../../../packages/http1/src/testing/record.ts';
import { VISITOR_OPTIONS } from '../testing/visitors.ts';
import { listenVisitors as listenAll } from './listen.ts';
import type { OwnAnswer, Refusal, VisitorExchange, Visitors } from './transport.ts';

/** Of a whole group of tests. Nothing here waits for it; it is for what never comes. */
const CEILING_MS = 300_000;
const RUNS = 400;
const ANSWER = 'HTTP/1.1 204 ';

/** Answers each request once it has come whole, and keeps what it was. */
class Collector {
  requests: string[] = [];

  onRequest(exchange: VisitorExchange): void {
    const { method, target, fields, hasBody } = exchange.request;
    const { requests } = this;
    let body = '';
    const done = (trailers: readonly string[]) => {
      requests.push(JSON.stringify([method, target, fields, body, trailers]));
      exchange.head(204, 'No Content', [], false);
      exchange.end([]);
    };
    exchange.listener = {
      onBody: (chunk) => (body += chunk.toString('latin1')),
      onBodyEnd: done,
      onRefused: ({ status }) => {
        exchange.head(status, 'Refused', ['Content-Length', '0'], true);
        exchange.end([]);
      },
      onDrained: () => {},
      onFinished: () => {},
    };
    // As the entry does while it waits for its list of sessions.
    setImmediate(() => (hasBody ? exchange.startBody() : done([])));
  }

  onRefused({ status }: Refusal): OwnAnswer {
    return { status, reason: 'Refused', fields: ['Content-Length', '0'], body: Buffer.alloc(0) };
  }

  limitHit(): void {}
}

interface Expected {
  readonly requests: readonly string[];
  /** What is behind them is wrong. */
  readonly isRefused: boolean;
}

/** The requests in `text`, as the codec reads it. */
function expected(text: string): Expected {
  const requests: string[] = [];
  let open: unknown[] = [];
  let code = '';
  for (const event of readRequests(text) as unknown[][]) {
    if (event[0] === 'head') open = [event[1], event[2], event[4], ''];
    else if (event[0] === 'body') open[3] = event[1];
    else if (event[0] === 'end') requests.push(JSON.stringify([...open, event[1]]));
    else code = event[1] as string;
  }
  return { requests, isRefused: code !== '' && code !== 'cut' };
}

/**
 * What a visitor hears who says `text` in pieces, until as many answers came as it waits for or the connection ended.
 * `isRefused`: then it ends its side, and waits for what is said of the rest. A head that is wrong and not whole may wait for
 * more of it, and so for the head's time limit.
 */
async function say(port: number, text: string, cuts: readonly number[], wanted: Expected): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const { requests, isRefused } = wanted;
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  let heard = '';
  let isSaid = false;
  const look = () => {
    if (!isSaid || heard.split(ANSWER).length <= requests.length) return;
    if (isRefused) socket.end();
    else end();
  };
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
    look();
  });
  socket
    .on('error', () => {})
    .on('end', end)
    .on('close', end);
  await once(socket, 'connect');
  let from = 0;
  for (const to of [...cuts.map((cut) => Math.floor(cut * text.length)).toSorted((a, b) => a - b), text.length]) {
    if (!socket.destroyed) socket.write(text.slice(from, to), 'latin1');
    from = to;
    await new Promise((resolve) => setImmediate(resolve));
  }
  isSaid = true;
  look();
  await over;
  socket.destroy();
  return heard;
}

async function listen(t: TestContext, collector: Collector): Promise<Visitors> {
  const transport = await listenAll({ ...VISITOR_OPTIONS, requestHeadBytes: 65_536 }, collector);
  t.after(() => transport.close());
  return transport;
}

describe('streams of requests, right and wrong', { timeout: CEILING_MS }, () => {
  it('arrive as just the requests that the codec reads in them, and each is answered once, in order', async (t) => {
    const collector = new Collector();
    const { port } = await listen(t, collector);
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 });
    const check = fc.asyncProperty(stream(request), cuts, async (text, at) => {
      const wanted = expected(text);
      const { requests, isRefused } = wanted;
      collector.requests = [];
      const heard = await say(port, text, at, wanted);
      const arrived = collector.requests;
      assert.deepEqual(arrived, requests.slice(0, arrived.length));
      assert.equal(heard.split(ANSWER).length - 1, arrived.length);
      // Behind one that closes the connection no other is read.
      if (arrived.length < requests.length) assert.match(text, /close|HTTP\/1\.0|CONNECT/i);
      else if (isRefused) assert.match(heard, /HTTP\/1\.1 [45]\d\d Refused\r\n|Connection: close\r\n/);
    });
    await fc.assert(check, { numRuns: RUNS });
  });
});
