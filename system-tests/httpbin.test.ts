/** A backend that others wrote answers through the tunnel as it answers directly. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startHttpbin } from './harness/httpbin.ts';
import type { Httpbin } from './harness/httpbin.ts';
import { needs } from './harness/needs.ts';
import { assertSameAnswer } from './harness/same-answer.ts';
import { SHAPES, useStack } from './harness/stack.ts';
import { visit } from './harness/visit.ts';
import type { Visit } from './harness/visit.ts';

interface Case extends Visit {
  readonly path: string;
  /** httpbin repeats the request's fields in its answer. */
  readonly echoes?: true;
  readonly status: number;
}

const JSON_BODY = { fields: { 'Content-Type': 'application/json' }, body: '{"a":[1,2,"ü"]}' };
const FORM_BODY = { fields: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'a=1&b=two%20words&a=3' };

const CASES: readonly Case[] = [
  { path: '/get?a=1&b=%2F%3F&c', status: 200, echoes: true },
  { path: '/get', method: 'HEAD', status: 200, echoes: true },
  {
    path: '/get',
    fields: { Accept: 'text/html;q=0.5', 'X-Twice': 'a, b', Cookie: 'k=v; l=w' },
    status: 200,
    echoes: true,
  },
  { path: '/post', method: 'POST', ...JSON_BODY, status: 200, echoes: true },
  { path: '/post', method: 'POST', ...FORM_BODY, status: 200, echoes: true },
  { path: '/put', method: 'PUT', ...JSON_BODY, status: 200, echoes: true },
  { path: '/patch', method: 'PATCH', ...JSON_BODY, status: 200, echoes: true },
  { path: '/delete', method: 'DELETE', status: 200, echoes: true },
  { path: '/get', method: 'OPTIONS', status: 200 },
  { path: '/get', method: 'POST', ...JSON_BODY, status: 405 },
  { path: '/stream/20', status: 200, echoes: true },
  { path: '/drip?duration=1&numbytes=10', status: 200 },
  { path: '/redirect/2', status: 302 },
  { path: '/cookies', fields: { Cookie: 'a=b; c=d' }, status: 200 },
  { path: '/cookies/set?a=b&c=d', status: 302 },
  { path: '/gzip', status: 200, echoes: true },
  { path: '/deflate', status: 200, echoes: true },
  { path: '/bytes/100000?seed=7', status: 200 },
  { path: '/stream-bytes/70000?seed=7&chunk_size=999', status: 200 },
  { path: '/status/418', status: 418 },
  { path: '/status/204', status: 204 },
  { path: '/status/500', status: 500 },
  { path: '/range/1000', status: 200 },
  { path: '/range/1000', method: 'HEAD', status: 200 },
  { path: '/range/1000', fields: { Range: 'bytes=10-99' }, status: 206 },
  { path: '/range/1000', fields: { Range: 'bytes=2000-' }, status: 416 },
  { path: '/etag/abc', status: 200, echoes: true },
  { path: '/etag/abc', fields: { 'If-None-Match': '"abc"' }, status: 304 },
  { path: '/etag/abc', fields: { 'If-Match': '"other"' }, status: 412 },
  { path: '/cache', fields: { 'If-Modified-Since': 'Thu, 01 Jan 2026 00:00:00 GMT' }, status: 304 },
  { path: '/encoding/utf8', status: 200 },
  { path: '/response-headers?X-A=1&X-A=2&X-Empty=', status: 200 },
  { path: '/basic-auth/user/secret', status: 401 },
  { path: '/basic-auth/user/secret', fields: { Authorization: `Basic ${btoa('user:secret')}` }, status: 200 },
  { path: '/image/png', status: 200 },
  { path: '/no/such/path', status: 404 },
];

describe('httpbin through the tunnel answers as it does directly', needs('httpbin'), () => {
  let httpbin: Httpbin;
  before(async () => {
    httpbin = await startHttpbin();
  });
  after(() => httpbin.stop());

  for (const { shape, isSplit } of SHAPES) {
    describe(shape, () => {
      const tunnel = useStack(() => ({ isSplit, backend: httpbin.url }));
      for (const { path, status, echoes = false, fields, ...rest } of CASES) {
        const method = rest.method ?? 'GET';
        const sent = Object.entries(fields ?? {}).map(([name, value]) => `${name}: ${value}`);
        it(`${[method, path, ...sent].join(' ')} gives ${status}`, async () => {
          // The same Host on both ways, since httpbin says it back in URLs.
          const options = { ...rest, fields: { Host: 'visited.example', ...fields } };
          const [through, direct] = await Promise.all([
            visit(tunnel.stack.url + path.slice(1), options),
            visit(httpbin.url + path, options),
          ]);
          assert.equal(direct.status, status, 'httpbin itself');
          assertSameAnswer(through, direct, { echoes });
        });
      }
    });
  }
});
