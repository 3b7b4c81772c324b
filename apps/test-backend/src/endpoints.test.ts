import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { assert as check, nat, pre, property, string } from 'fast-check';
import { startBackend } from './index.ts';
import { parseArgument } from './routes.ts';

const backend = await startBackend({ host: '127.0.0.1', port: 0 });
after(() => backend.close());

const ask = (path: string, init?: RequestInit): Promise<Response> => fetch(backend.url + path, init);

test('the url names the port that was taken', () => {
  assert.equal(backend.url, `http://127.0.0.1:${backend.port}`);
});

test('/ping, /get and /fast give the same bytes every time, with or without a query', async () => {
  for (const [path, body] of [
    ['/loadtest/ping', 'pong\n'],
    ['/loadtest/get', '{"path":"/loadtest/get","ok":true}\n'],
    ['/loadtest/fast', '{"ok":true}\n'],
  ] as const) {
    for (const target of [path, path, `${path}?a=1`]) {
      const answer = await ask(target);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-length'), String(body.length));
      assert.equal(await answer.text(), body);
    }
  }
});

test('a kept-alive connection is kept for two minutes', async () => {
  const answer = await ask('/loadtest/ping');
  assert.equal(answer.headers.get('keep-alive'), 'timeout=120');
  await answer.text();
});

test('/info shows the request as it arrived', async () => {
  const answer = await ask('/loadtest/info?q=1', { headers: { 'X-Seen': 'yes' } });
  const { request, server } = (await answer.json()) as {
    request: { method: string; url: string; rawHeaders: string[] };
    server: { pid: number };
  };
  assert.equal(request.method, 'GET');
  assert.equal(request.url, '/loadtest/info?q=1');
  assert.equal(request.rawHeaders[request.rawHeaders.findIndex((name) => name.toLowerCase() === 'x-seen') + 1], 'yes');
  assert.equal(server.pid, process.pid);
});

test('/status answers with every code from 200 to 599', async () => {
  for (let status = 200; status <= 599; status += 1) {
    // Not by fetch, which has opinions of its own on 401 and 407.
    const [answer] = (await once(get(`${backend.url}/loadtest/status/${status}`), 'response')) as [IncomingMessage];
    assert.equal(answer.statusCode, status);
    const body = Buffer.concat((await answer.toArray()) as Buffer[]).toString();
    assert.equal(body, [204, 205, 304].includes(status) ? '' : `{"status":${status}}\n`);
  }
});

test('HEAD has the head of GET and no body', async () => {
  for (const path of [
    'ping',
    'get',
    'fast',
    'info',
    'delay/0',
    'bytes/2147483648',
    'status/404',
    'stream/3',
    'sse/3',
  ]) {
    const answer = await ask(`/loadtest/${path}`, { method: 'HEAD' });
    assert.equal(answer.status, path === 'status/404' ? 404 : 200, path);
    assert.equal(await answer.text(), '');
  }
  const bytes = await ask('/loadtest/bytes/2147483648', { method: 'HEAD' });
  assert.equal(bytes.headers.get('content-length'), '2147483648');
});

test('an unknown path is 404', async () => {
  const unknown = ['/', '/loadtest', '/loadtest/', '/loadtest/nothing', '/ping', '/loadtest/ping/', '/loadtest/ping/1'];
  for (const path of [...unknown, '/loadtest/delay', '/loadtest/delay/1/2', '/LOADTEST/ping']) {
    const answer = await ask(path);
    assert.equal(answer.status, 404, path);
    await answer.text();
  }
});

test('a wrong method is 405 and Allow names the right ones', async () => {
  for (const [path, method, allow] of [
    ['/loadtest/ping', 'POST', 'GET, HEAD'],
    ['/loadtest/delay/1', 'DELETE', 'GET, HEAD'],
    ['/loadtest/bytes/x', 'PUT', 'GET, HEAD'],
    ['/loadtest/echo', 'GET', 'POST'],
    ['/loadtest/ws', 'POST', 'GET, HEAD'],
  ] as const) {
    const answer = await ask(path, { method });
    assert.equal(answer.status, 405, path);
    assert.equal(answer.headers.get('allow'), allow);
    await answer.text();
  }
});

test('a number that is none, or out of range, is 400', async () => {
  const bad = ['delay/60001', 'delay/-1', 'delay/1.5', 'delay/1e3', 'delay/', 'delay/%31', 'delay/0x10', 'delay/NaN'];
  for (const path of [...bad, 'bytes/2147483649', 'bytes/x', 'status/199', 'status/600', 'stream/x', 'sse/100001']) {
    const answer = await ask(`/loadtest/${path}`);
    assert.equal(answer.status, 400, path);
    await answer.text();
  }
});

test('/ws without an upgrade is 426', async () => {
  const answer = await ask('/loadtest/ws');
  assert.equal(answer.status, 426);
  assert.equal(answer.headers.get('upgrade'), 'websocket');
  await answer.text();
});

test('an offer to upgrade any other path is answered as if it were absent', async () => {
  // fetch may not send Upgrade, so this one is written by hand.
  const socket = connect(backend.port, '127.0.0.1');
  socket.end('GET /loadtest/ping HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  assert.match(answer, /^HTTP\/1\.1 200 /);
});

test('every whole number within the bounds is read as itself, and every other text as none', () => {
  check(property(nat(60_000), (number) => assert.equal(parseArgument(String(number), [0, 60_000]), number)));
  check(
    property(string(), (text) => {
      pre(!/^[0-9]{1,10}$/.test(text));
      assert.equal(parseArgument(text, [0, 9_999_999_999]), undefined);
    }),
  );
});
