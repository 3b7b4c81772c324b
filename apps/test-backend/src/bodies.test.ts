/** Long, slow and timed bodies: what is sent, and what is left behind when the visitor goes. */
import assert from 'node:assert/strict';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, test } from 'node:test';
import { startBackend } from './index.ts';

const backend = await startBackend({ host: '127.0.0.1', port: 0 });
after(() => backend.close());

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The backend's own end of the next exchange, which runs in this process. */
function nextExchange(): Promise<Exchange> {
  const channel = 'http.server.request.start';
  return new Promise((resolve) => {
    const take = (message: unknown): void => {
      unsubscribe(channel, take);
      resolve(message as Exchange);
    };
    subscribe(channel, take);
  });
}

function runningTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

async function answerOf(sent: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return answer;
}

async function sha256(body: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body) hash.update(chunk);
  return hash.digest('hex');
}

test('/bytes sends exactly n bytes, which begin any longer answer as well', async () => {
  const bodies: Buffer[] = [];
  for (const total of [0, 1, 1_048_572, 1_048_573, 1_048_574, 5_000_000]) {
    const answer = await fetch(`${backend.url}/loadtest/bytes/${total}`);
    assert.equal(answer.headers.get('content-length'), String(total));
    const body = Buffer.from(await answer.arrayBuffer());
    assert.equal(body.length, total);
    bodies.push(body);
  }
  const longest = bodies.at(-1) ?? Buffer.alloc(0);
  for (const body of bodies) assert.ok(body.equals(longest.subarray(0, body.length)));
});

test('/bytes is the AES-128-CTR key stream of zeros, repeated every 1,048,573 bytes', async () => {
  const zeros = Buffer.alloc(16);
  const period = createCipheriv('aes-128-ctr', zeros, zeros).update(Buffer.alloc(1_048_573));
  const answer = await fetch(`${backend.url}/loadtest/bytes/3000000`);
  const body = Buffer.from(await answer.arrayBuffer());
  assert.ok(body.equals(Buffer.concat([period, period, period]).subarray(0, 3_000_000)));
});

test('2 GiB that nobody reads are not queued', async () => {
  const exchange = nextExchange();
  const sent = request(`${backend.url}/loadtest/bytes/2147483648`).end();
  await answerOf(sent);
  const { response } = await exchange;
  assert.ok(response.writableNeedDrain, 'the backend waits for the visitor');
  assert.ok(response.writableLength < 4 * 1024 * 1024, `${response.writableLength} bytes are queued`);
  sent.destroy();
  await once(response, 'close');
});

test('/echo sends the body back with its content type', async () => {
  const body = randomBytes(3_000_000);
  const headers = { 'content-type': 'image/x-noise; v="1"' };
  const answer = await fetch(`${backend.url}/loadtest/echo`, { method: 'POST', body, headers });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), headers['content-type']);
  assert.equal(answer.headers.get('content-length'), String(body.length));
  assert.ok(Buffer.from(await answer.arrayBuffer()).equals(body));
});

test('/echo takes a body of unknown length and an empty one', async () => {
  const chunked = request(`${backend.url}/loadtest/echo`, { method: 'POST' });
  chunked.write('one ');
  chunked.end('two');
  const echoed = await answerOf(chunked);
  assert.equal(Buffer.concat(await echoed.toArray()).toString(), 'one two');
  const empty = await fetch(`${backend.url}/loadtest/echo`, { method: 'POST' });
  assert.equal(await empty.text(), '');
});

test('/echo reads no faster than the echo is taken, and loses nothing', async () => {
  const blocks = Array.from({ length: 128 }, () => randomBytes(1024 * 1024));
  const exchange = nextExchange();
  const sent = request(`${backend.url}/loadtest/echo`, { method: 'POST' });
  const uploaded = pipeline(Readable.from(blocks), sent);
  const answer = await answerOf(sent);
  const { request: incoming, response } = await exchange;
  // Nobody reads the answer yet: the kernel's buffers fill, and the backend stops reading.
  if (!response.writableNeedDrain) await once(incoming, 'pause');
  assert.ok(response.writableLength < 1024 * 1024, `${response.writableLength} bytes are queued`);
  const [echoed] = await Promise.all([sha256(answer), uploaded]);
  assert.equal(echoed, createHash('sha256').update(Buffer.concat(blocks)).digest('hex'));
});

test('/delay answers after its time', async () => {
  const answer = await fetch(`${backend.url}/loadtest/delay/20`);
  assert.deepEqual(await answer.json(), { delayMs: 20 });
});

test('/stream sends n JSON lines', async () => {
  const answer = await fetch(`${backend.url}/loadtest/stream/4`);
  const lines = (await answer.text()).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    [0, 1, 2, 3].map((line) => ({ line, of: 4 })),
  );
  const none = await fetch(`${backend.url}/loadtest/stream/0`);
  assert.equal(await none.text(), '');
});

test('the first line of a stream comes before the last is written', async () => {
  const exchange = nextExchange();
  const sent = request(`${backend.url}/loadtest/stream/100000`).end();
  const answer = await answerOf(sent);
  const [chunk] = (await once(answer, 'data')) as [Buffer];
  assert.match(chunk.toString(), /^\{"line":0,"of":100000\}\n/);
  const { response } = await exchange;
  assert.equal(response.writableEnded, false);
  sent.destroy();
  await once(response, 'close');
});

test('lines that nobody reads are not queued: the stream waits for its visitor', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const exchange = nextExchange();
  const sent = request(`${backend.url}/loadtest/stream/100000`).end();
  await answerOf(sent);
  const { response } = await exchange;
  for (let line = 0; line < 100_000; line += 1) context.mock.timers.tick(10);
  assert.equal(response.writableEnded, false);
  assert.ok(response.writableLength < 128 * 1024, `${response.writableLength} bytes are queued`);
  sent.destroy();
  await once(response, 'close');
});

test('/sse sends n server-sent events', async () => {
  const answer = await fetch(`${backend.url}/loadtest/sse/2`);
  assert.equal(answer.headers.get('content-type'), 'text/event-stream');
  assert.equal(await answer.text(), 'id: 0\ndata: {"event":0,"of":2}\n\nid: 1\ndata: {"event":1,"of":2}\n\n');
});

test('when the visitor goes, the timers of the answer end', async () => {
  for (const path of ['delay/60000', 'stream/100000', 'sse/100000']) {
    const before = runningTimers();
    const exchange = nextExchange();
    const visitor = connect(backend.port, '127.0.0.1');
    visitor.write(`GET /loadtest/${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const { response } = await exchange;
    assert.equal(runningTimers(), before + 1, path);
    visitor.destroy();
    await once(response, 'close');
    assert.equal(runningTimers(), before, path);
  }
});
