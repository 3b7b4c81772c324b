import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamCode, streamCodeName } from '@sallyport/protocol';
import { problemAnswer, problemOfStream, Problems } from './problems.ts';
import type { Problem } from './problems.ts';
import { HOP_NAMES } from './timing.ts';

/** The visitor's own doing: there is nobody left to tell. */
const NEVER_TOLD: readonly number[] = [StreamCode.CANCELLED, StreamCode.DONE];
const TOLD = Object.values(StreamCode).filter((code) => !NEVER_TOLD.includes(code));
const ALL: readonly Problem[] = [...Object.values(Problems), ...TOLD.map(problemOfStream), problemOfStream(999)];

/** RFC 9209 §2.3: those of its registry that fit a tunnel. */
const PROXY_ERRORS = new Set([
  'destination_not_found',
  'destination_unavailable',
  'connection_refused',
  'connection_terminated',
  'connection_limit_reached',
  'http_request_error',
  'http_request_denied',
  'http_response_timeout',
  'http_protocol_error',
  'proxy_internal_error',
  'proxy_loop_detected',
]);

function valueOf(fields: readonly string[], name: string): string | undefined {
  const at = fields.findIndex((each, i) => i % 2 === 0 && each === name);
  return at === -1 ? undefined : fields[at + 1];
}

describe('a stream that was cut', () => {
  it('is told to the visitor with a status that fits, for every code of the protocol', () => {
    const statuses = Object.fromEntries(TOLD.map((code) => [streamCodeName(code), problemOfStream(code).status]));
    assert.deepEqual(statuses, {
      'no-session': 404,
      'no-client': 503,
      'queue-full': 503,
      'queue-timeout': 503,
      'link-lost': 502,
      'backend-refused': 502,
      'backend-reset': 502,
      'backend-timeout': 504,
      'bad-head': 502,
      draining: 503,
      overloaded: 503,
      'long-streams': 503,
      protocol: 502,
      'upload-stalled': 504,
      loop: 508,
    });
  });

  it('is told by the name that the protocol has for its code', () => {
    for (const code of TOLD) {
      const name = streamCodeName(code).toUpperCase().replaceAll('-', '_');
      assert.equal(problemOfStream(code).code, `SP_${name}`);
    }
  });

  it('with a code of a later version is a failure of the tunnel', () => {
    const { status, code } = problemOfStream(999);
    assert.deepEqual([status, code], [502, 'SP_TUNNEL']);
  });
});

describe('a problem', () => {
  it('blames a hop of Server-Timing, or the visitor', () => {
    for (const { code, hop } of ALL) assert.ok(hop === 'visitor' || HOP_NAMES.includes(hop), code);
  });

  it('blames the visitor for what it did wrong, and nobody else', () => {
    for (const { code, status, hop } of ALL) {
      const isTheirs = status < 500 && !['SP_NO_ROUTE', 'SP_NO_SESSION', 'SP_METHOD_NOT_ALLOWED'].includes(code);
      assert.equal(hop === 'visitor', isTheirs, code);
    }
  });

  it('has an error type of RFC 9209', () => {
    for (const { code, proxyError } of ALL) assert.ok(PROXY_ERRORS.has(proxyError), `${code}: ${proxyError}`);
  });

  it('ends the connection where what follows in it cannot be told apart', () => {
    for (const each of [Problems.badRequest, Problems.headTooLarge, Problems.headTimeout, Problems.bodyTooLarge]) {
      assert.ok(each.closes, each.code);
    }
  });

  it('of one code is always the same status', () => {
    const statuses = new Map<string, number>();
    for (const { code, status } of ALL) {
      assert.equal(statuses.get(code) ?? status, status, code);
      statuses.set(code, status);
    }
  });
});

describe('the answer to a problem', () => {
  it('is a problem document of RFC 9457 with our code, hop and request id', () => {
    const { fields, body } = problemAnswer(problemOfStream(StreamCode.QUEUE_FULL), 'id-1');
    assert.equal(valueOf(fields, 'Content-Type'), 'application/problem+json');
    assert.deepEqual(JSON.parse(body.toString()), {
      type: 'urn:sallyport:problem:queue-full',
      title: 'Too many requests wait for this session',
      status: 503,
      code: 'SP_QUEUE_FULL',
      hop: 'queue',
      requestId: 'id-1',
      retryable: true,
    });
  });

  it('is complete for every problem: type, title, status, length, and the proxy’s own word', () => {
    for (const problem of ALL) {
      const { fields, body } = problemAnswer(problem, 'id-1');
      const said = JSON.parse(body.toString()) as Record<string, unknown>;
      assert.match(String(said['type']), /^urn:sallyport:problem:[a-z]+(-[a-z]+)*$/);
      assert.match(String(said['title']), /^[A-Z][^\n.]+$/);
      assert.equal(said['status'], problem.status);
      assert.equal(said['retryable'], problem.retryable);
      assert.match(String(said['code']), /^SP_[A-Z]+(_[A-Z]+)*$/);
      assert.equal(valueOf(fields, 'Content-Length'), String(body.length));
      assert.equal(valueOf(fields, 'Cache-Control'), 'no-store');
      assert.equal(valueOf(fields, 'Proxy-Status'), `sallyport; error=${problem.proxyError}`);
      assert.equal(fields.length % 2, 0);
    }
  });

  it('says when to come back exactly where it is 503, and which methods there are where it is 405', () => {
    for (const problem of ALL) {
      const { fields } = problemAnswer(problem, 'id-1');
      assert.equal(valueOf(fields, 'Retry-After'), problem.status === 503 ? '1' : undefined, problem.code);
      assert.equal(valueOf(fields, 'Allow') !== undefined, problem.status === 405, problem.code);
    }
  });

  it('is worth a second request in all cases of 503', () => {
    for (const { code, status, retryable } of ALL) if (status === 503) assert.ok(retryable, code);
  });
});
