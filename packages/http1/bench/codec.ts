/**
 * What one message costs the codec: µs and bytes of garbage for reading a head and writing the next, best of rounds, on
 * heads that browsers, k6 and backends send; and a request with its answer beside llhttp, as node:http runs it, over a
 * socket that leads nowhere. Run with `node --expose-gc packages/http1/bench/codec.ts [--times N]`; compare lines of one
 * run only.
 */
import { createServer } from 'node:http';
import { performance } from 'node:perf_hooks';
import { Duplex } from 'node:stream';
import { parseArgs } from 'node:util';
import { DEFAULT_LIMITS, Phase, RequestReader, RequestWriter, ResponseReader, ResponseWriter } from '../src/index.ts';

const ROUNDS = 7;
const US_PER_MS = 1_000;

const BROWSER =
  'GET /session/demo/assets/index-8f2b91c4.js?v=3 HTTP/1.1\r\nHost: app.example.org\r\nConnection: keep-alive\r\n' +
  'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"\r\nsec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: "Linux"\r\n' +
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n' +
  'Accept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n' +
  'Referer: https://app.example.org/session/demo/\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n' +
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\nCookie: session=6f6e6a1e6f1c4e8b9a712f9c3a1d0b11; theme=dark\r\n\r\n';
const K6 = 'GET /session/demo/loadtest/ping HTTP/1.1\r\nHost: 127.0.0.1:12000\r\nUser-Agent: Grafana k6/1.4.0\r\n\r\n';
const ANSWER =
  'HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 28\r\n' +
  'Date: Fri, 20 Nov 2026 12:00:00 GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=120\r\n\r\n' +
  '{"status":"ok","answer":42}\n';

const { values } = parseArgs({ options: { times: { type: 'string', default: '200000' } } });
const times = Number(values.times);

function measure(name: string, bytes: number, run: () => void): void {
  for (let i = 0; i < times; i += 1) run();
  let bestMs = Infinity;
  let garbage = 0;
  // Few enough for no collection to fall between the two readings of the heap.
  const few = Math.min(times, 500);
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now();
    for (let i = 0; i < times; i += 1) run();
    bestMs = Math.min(bestMs, performance.now() - startedMs);
    globalThis.gc?.();
    const heapBytes = process.memoryUsage().heapUsed;
    for (let i = 0; i < few; i += 1) run();
    garbage = Math.max(garbage, (process.memoryUsage().heapUsed - heapBytes) / few);
  }
  const us = ((bestMs * US_PER_MS) / times).toFixed(3).padStart(8);
  const rate = (bytes * times) / (bestMs * 1e3);
  process.stdout.write(
    `${name.padEnd(44)} ${us} µs ${garbage.toFixed(0).padStart(7)} B ${rate.toFixed(0).padStart(6)} MB/s\n`,
  );
}

let sink = 0;
const handler = { onHead: () => (sink += 1), onBody: (chunk: Buffer) => (sink += chunk.length) };

for (const [name, text] of [
  ['a browser’s request', BROWSER],
  ['a request of k6', K6],
] as const) {
  const bytes = Buffer.from(text, 'latin1');
  const reader = new RequestReader(DEFAULT_LIMITS, handler);
  const writer = new RequestWriter();
  const read = () => {
    reader.read(bytes, 0, bytes.length);
    if (reader.phase !== Phase.DONE) throw new Error('not read');
    reader.next();
  };
  reader.read(bytes, 0, bytes.length);
  const fields = reader.fields.filter((_, i) => !/^connection$/i.test(reader.fields[i - (i % 2)]!));
  reader.next();
  measure(`read ${name}, ${bytes.length} bytes`, bytes.length, read);
  measure(
    `write it`,
    bytes.length,
    () => (sink += Buffer.byteLength(writer.head('GET', '/a', fields, false)!, 'latin1')),
  );
}

const answer = Buffer.from(ANSWER, 'latin1');
const reader = new ResponseReader(DEFAULT_LIMITS, handler);
const writer = new ResponseWriter(5);
const context = { isToHead: false, minor: 1, keepsAlive: true };
const fields = ANSWER.split('\r\n')
  .slice(1, 4)
  .flatMap((line) => line.split(': '));
measure(`read an answer, ${answer.length} bytes`, answer.length, () => {
  reader.expect('GET');
  reader.read(answer, 0, answer.length);
});
measure('write its head', answer.length, () => (sink += writer.head(200, 'OK', fields, context)!.length));

const ANSWER_FIELDS = ['Content-Type', 'application/json', 'Content-Length', '0'];

/** One request and its answer through node:http, in batches: an answer is over in a later turn. */
async function nodeUs(bytes: Buffer): Promise<number> {
  let served = 0;
  const server = createServer((_request, response) => {
    served += 1;
    response.writeHead(200, ANSWER_FIELDS);
    response.end();
  });
  const socket = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
  server.emit('connection', socket);
  const round = async (count: number) => {
    const before = served;
    for (let i = 0; i < count; i += 1) {
      socket.push(bytes);
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
    if (served - before !== count) throw new Error(`${served - before} of ${count} were answered`);
  };
  return bestUs(round);
}

/** The same by the codec, with a turn after each as well. */
async function ourUs(bytes: Buffer): Promise<number> {
  const requests = new RequestReader(DEFAULT_LIMITS, handler);
  const round = async (count: number) => {
    for (let i = 0; i < count; i += 1) {
      requests.read(bytes, 0, bytes.length);
      sink += writer.head(200, 'OK', ANSWER_FIELDS, context)!.length;
      requests.next();
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
  };
  return bestUs(round);
}

async function bestUs(round: (count: number) => Promise<void>): Promise<number> {
  const count = Math.max(1, Math.floor(times / 10));
  await round(count);
  let bestMs = Infinity;
  for (let i = 0; i < ROUNDS; i += 1) {
    const startedMs = performance.now();
    await round(count);
    bestMs = Math.min(bestMs, performance.now() - startedMs);
  }
  return (bestMs * US_PER_MS) / count;
}

for (const [name, text] of [
  ['a browser’s request', BROWSER],
  ['a request of k6', K6],
] as const) {
  const bytes = Buffer.from(text, 'latin1');
  const our = await ourUs(bytes);
  const node = await nodeUs(bytes);
  const rate = (us: number) => `${us.toFixed(2)} µs (${(bytes.length / us).toFixed(0)} MB/s)`;
  process.stdout.write(
    `${name} and its answer: ${rate(our)}; by node:http ${rate(node)}: ${(node / our).toFixed(1)} ×\n`,
  );
}
if (sink === 0) process.exitCode = 1;
