import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamCode, streamCodeName } from '@sallyport/protocol';
import { problemContent, problemOfStream, Problems } from './problems.ts';
import type { Problem } from './problems.ts';
import { problemReference } from './problem-reference.ts';
import { HOPS } from '@sallyport/telemetry';

/** The visitor's own doing: there is nobody left to tell. */
const NEVER_TOLD: readonly number[] = [StreamCode.CANCELLED, StreamCode.DONE];
const TOLD = Object.values(StreamCode).filter((code) => !NEVER_TOLD.includes(code));
const ALL: readonly Problem[] = Object.values(Problems);

/** RFC 9209 §2.3, all of the registry. */
const PROXY_ERRORS = new Set(
  (
    'dns_timeout dns_error destination_not_found destination_unavailable destination_ip_prohibited ' +
    'destination_ip_unroutable connection_refused connection_terminated connection_timeout connection_read_timeout ' +
    'connection_write_timeout connection_limit_reached tls_protocol_error tls_certificate_error tls_alert_received ' +
    'http_request_error http_request_denied http_response_incomplete http_response_header_section_size ' +
    'http_response_header_size http_response_body_size http_response_trailer_section_size ' +
    'http_response_trailer_size http_response_transfer_coding http_response_content_coding http_response_timeout ' +
    'http_upgrade_failed http_protocol_error proxy_internal_response proxy_internal_error ' +
    'proxy_configuration_error proxy_loop_detected'
  ).split(' '),
);
/** Below 500, and yet not what the visitor did wrong: nobody is there, or it is not done here. */
const NOT_THEIRS = ['SP_NO_ROUTE', 'SP_NO_SESSION', 'SP_METHOD_NOT_ALLOWED'];
/** From 500 on by their status alone. */
const THEIRS = ['SP_NOT_IMPLEMENTED', 'SP_VERSION'];

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
      'no-upgrade': 501,
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
    for (const { code, hop } of ALL) assert.ok(hop === 'visitor' || HOPS.includes(hop), code);
  });

  it('blames the visitor for what it did wrong, and nobody else', () => {
    for (const { code, status, hop } of ALL) {
      const isTheirs = status < 500 ? !NOT_THEIRS.includes(code) : THEIRS.includes(code);
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

  it('names the limit that was reached, where it is told of one', () => {
    const limits = ALL.flatMap(({ code, limit }) => (limit === undefined ? [] : [[code, limit]]));
    assert.deepEqual(Object.fromEntries(limits), {
      SP_TARGET_TOO_LONG: 'request-target',
      SP_HEAD_TOO_LARGE: 'request-head',
      SP_BODY_TOO_LARGE: 'body',
      SP_HEAD_TIMEOUT: 'head-timeout',
      SP_BODY_TIMEOUT: 'body-rate',
    });
  });

  it('has a code of its own', () => {
    const codes = ALL.map(({ code }) => code);
    assert.equal(new Set(codes).size, codes.length);
  });

  it('stands in the reference, with all that is said of it', () => {
    const rows = problemReference()
      .split('\n')
      .filter((line) => line.includes('`SP_'));
    assert.equal(rows.length, ALL.length);
    for (const { code, status, hop, title, proxyError } of ALL) {
      const row = rows.find((line) => line.includes(`\`${code}\``));
      assert.ok(row !== undefined && row.startsWith(`| ${status} | `), code);
      for (const said of [hop, title, `\`${proxyError}\``]) assert.ok(row.includes(` ${said} |`), `${code}: ${said}`);
    }
  });
});

describe('the answer to a problem', () => {
  it('is a problem document of RFC 9457 with our code, hop and request id', () => {
    const { fields, body } = problemContent(problemOfStream(StreamCode.QUEUE_FULL), 'id-1');
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

  it('says which rule was broken, where that is known', () => {
    const { body } = problemContent({ ...Problems.badRequest, detail: 'two-lengths: …' }, 'id-1');
    assert.equal((JSON.parse(body.toString()) as { detail: string }).detail, 'two-lengths: …');
    assert.doesNotMatch(problemContent(Problems.badRequest, 'id-1').body.toString(), /detail/);
  });

  it('is complete for every problem: type, title, status, length, and the proxy’s own word', () => {
    for (const problem of ALL) {
      const { fields, body } = problemContent(problem, 'id-1');
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
      const { fields } = problemContent(problem, 'id-1');
      assert.equal(valueOf(fields, 'Retry-After'), problem.status === 503 ? '1' : undefined, problem.code);
      assert.equal(valueOf(fields, 'Allow') !== undefined, problem.status === 405, problem.code);
    }
  });

  it('is worth a second request in all cases of 503', () => {
    for (const { code, status, retryable } of ALL) if (status === 503) assert.ok(retryable, code);
  });
});
