import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { generate, parseWrk } from './generator.ts';

const REPORT = `Running 5s test @ http://127.0.0.1:12000/session/demo/loadtest/ping
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   569.09us    1.74ms  20.98ms   96.75%
    Req/Sec   118.70k    16.27k  138.30k    60.00%
  Latency Distribution
     50%  267.00us
     75%  327.00us
     90%  480.00us
     99%   10.73ms
  117991 requests in 1.00s, 19.69MB read
Requests/sec: 117921.19
Transfer/sec:     19.68MB
`;

test('a wrk report gives requests, rate and latencies in milliseconds', () => {
  const expected = { requests: 117_991, requestsPerSecond: 117_921.19, p50Ms: 0.267, p99Ms: 10.73, failed: 0 };
  assert.deepEqual(parseWrk(REPORT), expected);
  assert.equal(parseWrk(REPORT.replace('10.73ms', '1.50s'))?.p99Ms, 1500);
  assert.equal(parseWrk(REPORT.replace('10.73ms', '1.00m'))?.p99Ms, 60_000);
});

test('refused answers and broken connections count as failed', () => {
  const errors = '  Socket errors: connect 1, read 20, write 300, timeout 4000\n  Non-2xx or 3xx responses: 50000\n';
  assert.equal(parseWrk(REPORT.replace('Requests/sec', `${errors}Requests/sec`))?.failed, 54_321);
});

test('what is no wrk report gives undefined', () => {
  for (const text of ['', 'unable to connect to 127.0.0.1:1 Connection refused', REPORT.replace(/99%.*/, '')]) {
    assert.equal(parseWrk(text), undefined);
  }
});

test('the built-in generator counts what the server answered, and what failed', async (context) => {
  let answered = 0;
  const server = createServer((req, res) => {
    answered += 1;
    res.writeHead(req.url === '/ok' ? 200 : 503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { signal } = new AbortController();
  const good = await generate('builtin', { url: `${origin}/ok`, connections: 3, seconds: 1 }, signal);
  assert.equal(good.requests, answered);
  assert.equal(good.failed, 0);
  assert.ok(good.p50Ms > 0 && good.p50Ms <= good.p99Ms);
  const bad = await generate('builtin', { url: `${origin}/bad`, connections: 1, seconds: 1 }, signal);
  assert.equal(bad.failed, bad.requests);
});
