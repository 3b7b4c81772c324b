import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { target as anyTarget } from '../../../packages/protocol/src/testing/arbitraries.ts';
import { check } from '../../../packages/protocol/src/testing/check.ts';
import { admit, wordsOf } from './admission.ts';
import type { Admission, AdmissionLimits } from './admission.ts';
import { visitorRequest } from './testing/requests.ts';
import type { VisitorRequest } from './visitor/transport.ts';

const LIMITS: AdmissionLimits = { targetBytes: 100, requestHeadLines: 4, bodyBytes: 0 };
const TABLE = { hosts: { 'app.example.org': 'shop' } };

function ask(changes: Partial<VisitorRequest>, limits: Partial<AdmissionLimits> = {}): Admission {
  const request = visitorRequest(changes);
  return admit(TABLE, { ...LIMITS, ...limits }, request, wordsOf(request.fields));
}

/** The code of the refusal, or what else came of it. */
function outcome(changes: Partial<VisitorRequest>, limits: Partial<AdmissionLimits> = {}): string {
  const admission = ask(changes, limits);
  return admission.kind === 'refused' ? admission.problem.code : admission.kind;
}

/** What the backend is asked for. */
function targetOf(method: string, target: string): string {
  const admission = ask({ method, target });
  return admission.kind === 'admitted' ? admission.route.target : admission.kind;
}

describe('a request is admitted', () => {
  it('with its route, and its Host as the visitor wrote it', () => {
    const fields = ['Host', 'Visited.Example:8080'];
    assert.deepEqual(ask({ target: '/session/demo/x?y', fields }), {
      kind: 'admitted',
      route: { kind: 'session', session: 'demo', target: '/x?y', prefix: '/session/demo' },
      host: 'Visited.Example:8080',
      maxForwards: -2,
    });
  });

  it('with every byte of its target, in origin form and in absolute form', (t) => {
    check(
      t,
      fc.property(anyTarget, fc.boolean(), (rest, isAbsolute) => {
        const target = `${isAbsolute ? 'http://visited.example' : ''}/session/demo${rest}`;
        const admission = ask({ target }, { targetBytes: 1_000 });
        assert.equal(admission.kind === 'admitted' && admission.route.target, rest);
      }),
    );
  });

  it('by the host in any casing, with a dot at its end or without, and whatever the port', () => {
    for (const host of ['APP.Example.ORG:12000', 'app.example.org.', 'App.Example.Org.:80']) {
      assert.equal(outcome({ target: '/x', fields: ['host', host] }), 'admitted', host);
    }
  });

  it('with any method that is a token', () => {
    for (const method of ['GET', 'PUT', 'PROPFIND', 'm-search', "!#$%&'*+.^_`|~"]) {
      assert.equal(outcome({ method }), 'admitted', method);
    }
  });

  it('with an asterisk where OPTIONS names a host and no path (RFC 9112 §3.2.4)', () => {
    assert.equal(targetOf('OPTIONS', 'http://app.example.org'), '*');
    assert.equal(targetOf('OPTIONS', 'http://app.example.org/'), '/');
    assert.equal(targetOf('OPTIONS', 'http://app.example.org?a'), '/?a');
    assert.equal(targetOf('GET', 'http://app.example.org'), '/');
  });

  it('or sent to the address with a slash', () => {
    assert.deepEqual(ask({ target: '/session/demo?q' }), { kind: 'redirect', location: '/session/demo/?q' });
  });

  it('or told that no session is there', () => {
    assert.equal(outcome({ target: '/elsewhere' }), 'SP_NO_ROUTE');
  });
});

describe('a method is refused', () => {
  it('when it is TRACE or CONNECT', () => {
    for (const method of ['TRACE', 'CONNECT']) assert.equal(outcome({ method }), 'SP_METHOD_NOT_ALLOWED');
  });

  it('when it is not a token', () => {
    for (const method of ['', 'G ET', 'GET/', 'GÉT']) assert.equal(outcome({ method }), 'SP_BAD_REQUEST', method);
  });
});

describe('a head is refused', () => {
  it('beyond its limit of lines', () => {
    const three = ['Host', 'a', 'b', '1', 'b', '2'];
    assert.equal(outcome({ fields: [...three, 'b', '3'] }), 'admitted');
    assert.equal(outcome({ fields: [...three, 'b', '3', 'b', '4'] }), 'SP_HEAD_TOO_LARGE');
  });

  it('with a target beyond its limit of bytes', () => {
    const target = '/session/demo/'.padEnd(100, 'x');
    assert.equal(outcome({ target }), 'admitted');
    assert.equal(outcome({ target: `${target}x` }), 'SP_TARGET_TOO_LONG');
  });

  it('when it announces a body beyond its limit', () => {
    assert.equal(outcome(withLength('10'), { bodyBytes: 10 }), 'admitted');
    assert.equal(outcome(withLength('11'), { bodyBytes: 10 }), 'SP_BODY_TOO_LARGE');
    assert.equal(outcome(withLength('99999999999999999999')), 'admitted');
  });
});

/** Outcome of a request with these expectations. */
function expecting(...values: string[]): string {
  return outcome({ fields: ['Host', 'a', ...values.flatMap((value) => ['expect', value])] });
}

describe('an expectation', () => {
  it('is refused when it is not 100-continue, in any casing', () => {
    for (const value of ['100-continue', '100-CONTINUE', '']) assert.equal(expecting(value), 'admitted', value);
    for (const value of ['200-ok', '100', '100-continue, x', 'x'])
      assert.equal(expecting(value), 'SP_EXPECTATION', value);
    assert.equal(expecting('100-continue', 'x'), 'SP_EXPECTATION');
  });
});

describe('a target is refused', () => {
  it('with a fragment, a backslash, a control character or a space in it', () => {
    for (const rest of ['a#b', 'a\\b', 'a\x00', 'a\x7f', 'a b', 'a\tb', 'aĀ']) {
      assert.equal(outcome({ target: `/session/demo/${rest}` }), 'SP_BAD_TARGET', rest);
      assert.equal(outcome({ target: `http://a/session/demo/${rest}` }), 'SP_BAD_TARGET', rest);
    }
  });

  it('in any form but origin and absolute', () => {
    for (const target of ['', 'session/demo/', 'a.example:443', 'ftp://a/', 'http://a#b']) {
      assert.equal(outcome({ target }), 'SP_BAD_TARGET', target);
    }
  });

  it('when it is an asterisk, except of OPTIONS', () => {
    const fields = ['Host', 'app.example.org'];
    assert.equal(outcome({ target: '*', fields }), 'SP_BAD_TARGET');
    const admission = ask({ method: 'OPTIONS', target: '*', fields });
    assert.equal(admission.kind === 'admitted' && admission.route.target, '*');
  });
});

describe('Host', () => {
  it('is there exactly once', () => {
    assert.equal(outcome({ fields: [] }), 'SP_BAD_HOST');
    assert.equal(outcome({ fields: ['Host', 'a', 'hOST', 'a'] }), 'SP_BAD_HOST');
  });

  it('may be missing in HTTP/1.0, but not be there twice', () => {
    const admission = ask({ httpVersion: '1.0', fields: [] });
    assert.equal(admission.kind === 'admitted' && admission.host, 'localhost');
    assert.equal(outcome({ httpVersion: '1.0', fields: ['Host', 'a', 'Host', 'b'] }), 'SP_BAD_HOST');
  });

  it('is neither empty nor malformed', () => {
    for (const host of ['', 'a b', 'a/b', 'user@a', 'a, b', 'a:b']) {
      assert.equal(outcome({ fields: ['Host', host] }), 'SP_BAD_HOST', host);
    }
  });

  it('gives way to the authority of an absolute target (RFC 9112 §3.2.2)', () => {
    const fields = ['Host', 'elsewhere.example'];
    const admission = ask({ target: 'http://App.Example.ORG:80/x', fields });
    assert.deepEqual(admission, {
      kind: 'admitted',
      route: { kind: 'session', session: 'shop', target: '/x', prefix: '' },
      host: 'App.Example.ORG:80',
      maxForwards: -2,
    });
    assert.equal(outcome({ target: 'http://user@app.example.org/x', fields }), 'SP_BAD_HOST');
  });

  it('must be well formed also where an absolute target is used instead (RFC 9112 §3.2)', () => {
    const target = 'http://app.example.org/x';
    assert.equal(outcome({ target, fields: ['Host', 'a b'] }), 'SP_BAD_HOST');
    assert.equal(outcome({ target, fields: [] }), 'SP_BAD_HOST');
  });
});

/** What is left of these, or what else came of the request. */
function forwards(values: readonly string[], method = 'OPTIONS'): number | string {
  const fields = ['Host', 'a', ...values.flatMap((value) => ['max-FORWARDS', value])];
  const admission = ask({ method, fields });
  return admission.kind === 'admitted' ? Math.max(-1, admission.maxForwards) : admission.kind;
}

describe('OPTIONS with Max-Forwards (RFC 9110 §7.6.2)', () => {
  it('comes no further than to us where it is zero', () => {
    for (const value of ['0', '000']) assert.equal(forwards([value]), 'options');
    assert.equal(forwards(['3', '0']), 'options');
  });

  it('goes on with one less, the least of several, and no number beyond those that are exact', () => {
    assert.equal(forwards(['1']), 0);
    for (const several of [
      ['7', '5'],
      ['5', '7'],
    ])
      assert.equal(forwards(several), 4);
    assert.equal(forwards(['9'.repeat(400)]), Number.MAX_SAFE_INTEGER - 1);
  });

  it('is heeded of no other method, nor where it is no number', () => {
    assert.equal(forwards(['0'], 'GET'), -1);
    for (const value of ['', '-1', '1.0', 'x', '0x1', '1, 2']) assert.equal(forwards([value]), -1, value);
  });
});

function upgrade(...offered: string[]): Partial<VisitorRequest> {
  const fields = ['Host', 'app.example.org', ...offered.flatMap((value) => ['Sec-WebSocket-PROTOCOL', value])];
  return { target: '/link', isUpgrade: true, hasBody: true, fields };
}

describe('an upgrade that asks for a link of the tunnel', () => {
  it('goes to no backend, by whatever host and path it comes', () => {
    for (const offered of [['sallyport'], ['chat, sallyport'], ['chat', ' sallyport ']]) {
      assert.equal(outcome(upgrade(...offered)), 'SP_NO_ROUTE', offered.join());
    }
    assert.equal(outcome({ ...upgrade('sallyport'), target: '/session/demo/link' }), 'SP_NO_ROUTE');
  });

  it('is told from any other', () => {
    for (const offered of [[], ['chat'], ['sallyport2', 'Sallyport']]) {
      assert.equal(outcome(upgrade(...offered)), 'admitted', offered.join());
    }
  });
});

describe('X-Request-Id of the visitor', () => {
  it('is kept when it is short, single and harmless', () => {
    for (const id of ['a', 'order-66.a:b_c', 'x'.repeat(128)])
      assert.equal(wordsOf(['x-request-ID', id]).requestId, id);
  });

  it('is not kept otherwise', () => {
    for (const id of ['', 'two words', 'x'.repeat(129), 'a,b', 'a"b', 'é', 'a\r\nb', 'a\n']) {
      assert.equal(wordsOf(['X-Request-Id', id]).requestId, null, id);
    }
    assert.equal(wordsOf([]).requestId, null);
    assert.equal(wordsOf(['X-Request-Id', 'a', 'X-Request-Id', 'a']).requestId, null);
  });
});

function withLength(length: string): Partial<VisitorRequest> {
  return { fields: ['Host', 'a', 'content-LENGTH', length] };
}
