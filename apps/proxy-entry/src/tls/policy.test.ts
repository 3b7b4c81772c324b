import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admit, wordsOf } from '../admission.ts';
import type { Admission } from '../admission.ts';
import { visitorRequest } from '../testing/requests.ts';
import { tlsConfig } from '../testing/tls-bench.ts';
import type { Peer, VisitorRequest } from '../visitor/transport.ts';
import { EdgePolicy } from './policy.ts';
import type { TlsConfig } from './material.ts';

const LIMITS = { targetBytes: 1_000, requestHeadLines: 100, bodyBytes: 0 };
const TABLE = { hosts: { 'app.test': 'shop', 'secret.test': 'vault' }, domain: 'apps.test' };
const PLAIN: Peer = { remoteAddress: '192.0.2.7', scheme: 'http' };
const SECURE: Peer = { remoteAddress: '192.0.2.7', scheme: 'https', covers: (host) => host !== 'elsewhere.test' };
const KNOWN: Peer = { ...SECURE, clientCertificate: ':AAAA:' };
const challenges = { answer: (token: string) => (token === 'ours' ? 'ours.thumbprint' : null) };

function ask(set: Partial<TlsConfig>, changes: Partial<VisitorRequest>, toldScheme?: string): Admission {
  const edge = new EdgePolicy({ ...TABLE, tls: tlsConfig(set) }, challenges);
  const request = visitorRequest(changes);
  return admit(TABLE, LIMITS, request, wordsOf(request.fields), edge, toldScheme);
}

/** The code of the refusal, where it is sent to, or what else came of it. */
function outcome(set: Partial<TlsConfig>, changes: Partial<VisitorRequest>, toldScheme?: string): string {
  const admission = ask(set, changes, toldScheme);
  if (admission.kind === 'refused') return admission.problem.code;
  if (admission.kind === 'redirect') return admission.location;
  return admission.kind === 'challenge' ? admission.content : admission.kind;
}

const at = (host: string, target = '/') => ({ fields: ['Host', host], target });

describe('a request over TLS', () => {
  it('is for a host that the certificate of its connection is for, else it is misdirected', () => {
    assert.equal(outcome({}, { peer: SECURE, ...at('app.test') }), 'admitted');
    assert.equal(outcome({}, { peer: SECURE, ...at('App.Test:443') }), 'admitted');
    assert.equal(outcome({}, { peer: SECURE, ...at('elsewhere.test') }), 'SP_MISDIRECTED');
    assert.equal(outcome({}, { peer: SECURE, ...at('ELSEWHERE.test:1') }), 'SP_MISDIRECTED');
  });

  it('is for the host of an absolute target, whatever Host says', () => {
    const target = 'https://elsewhere.test/';
    assert.equal(outcome({}, { peer: SECURE, ...at('app.test', target) }), 'SP_MISDIRECTED');
  });
});

describe('a request without TLS', () => {
  const set = { redirectPort: 443 };

  it('is sent to https with its host and its target as it is', () => {
    assert.equal(outcome(set, { peer: PLAIN, ...at('app.test:8080', '/a//%2F?b#') }), 'SP_BAD_TARGET');
    assert.equal(outcome(set, { peer: PLAIN, ...at('app.test:8080', '/a//%2F?b') }), 'https://app.test/a//%2F?b');
    assert.equal(outcome({ redirectPort: 12_006 }, { peer: PLAIN, ...at('[::1]:80') }), 'https://[::1]:12006/');
    assert.equal(outcome(set, { peer: PLAIN, ...at('app.test', 'http://other.test/x') }), 'https://other.test/x');
    assert.equal(outcome(set, { peer: PLAIN, ...at('app.test.:80') }), 'https://app.test/');
  });

  it('is served where that is not configured, where it came by TLS, and where a trusted proxy says that it did', () => {
    assert.equal(outcome({}, { peer: PLAIN, ...at('app.test') }), 'admitted');
    assert.equal(outcome(set, { peer: SECURE, ...at('app.test') }), 'admitted');
    assert.equal(outcome(set, { peer: PLAIN, ...at('app.test') }, 'https'), 'admitted');
    assert.equal(outcome(set, { peer: PLAIN, ...at('app.test') }, 'http'), 'https://app.test/');
  });

  it('is never sent on where it is malformed', () => {
    assert.equal(outcome(set, { peer: PLAIN, fields: [] }), 'SP_BAD_HOST');
    assert.equal(outcome(set, { peer: PLAIN, ...at('a@b') }), 'SP_BAD_HOST');
  });

  it('for a challenge of ours is answered, for another goes on, without being sent to https', () => {
    const path = '/.well-known/acme-challenge/';
    assert.equal(outcome(set, { peer: PLAIN, ...at('app.test', `${path}ours`) }), 'ours.thumbprint');
    assert.equal(outcome(set, { peer: PLAIN, ...at('unknown.test', `${path}ours`) }), 'ours.thumbprint');
    assert.equal(outcome(set, { peer: PLAIN, ...at('app.test', `${path}theirs`) }), 'admitted');
    assert.equal(outcome(set, { peer: PLAIN, ...at('app.test', `${path}ours/../x`) }), 'admitted');
    assert.equal(
      outcome(set, { peer: PLAIN, ...at('app.test', '/.well-known/acme-challenge') }),
      'https://app.test/.well-known/acme-challenge',
    );
  });
});

describe('a host that wants a certificate of its visitors', () => {
  const set = { clientCertificateHosts: ['secret.test', 'two.apps.test'] };

  it('is reached with one', () => {
    assert.equal(outcome(set, { peer: KNOWN, ...at('secret.test') }), 'admitted');
  });

  it('is not reached without, with or without TLS', () => {
    for (const peer of [SECURE, PLAIN]) {
      assert.equal(outcome(set, { peer, ...at('secret.test') }), 'SP_CLIENT_CERTIFICATE');
      assert.equal(outcome(set, { peer, ...at('two.apps.test') }), 'SP_CLIENT_CERTIFICATE');
    }
  });

  it('is not reached under another name, or by the path of its session', () => {
    for (const [host, target] of [
      ['other.test', '/session/vault/'],
      ['vault.apps.test', '/'],
      ['secret.test.', '/'],
      ['Two.Apps.Test.:443', '/'],
      ['secret.test.', '/session/vault/x'],
      ['other.test', '/session/two/'],
    ] as const) {
      assert.equal(outcome(set, { peer: SECURE, ...at(host, target) }), 'SP_CLIENT_CERTIFICATE', `${host} ${target}`);
    }
    assert.equal(outcome(set, { peer: SECURE, ...at('app.test') }), 'admitted');
  });
});

describe('a request for the path of links', () => {
  const set = { linkPath: '/edge/link' };
  const link = { peer: SECURE, ...at('edge.test', '/edge/link'), isUpgrade: true, hasBody: true };

  it('is a link over TLS by HTTP/1.1, and its question without an upgrade as well', () => {
    assert.equal(outcome(set, link), 'link');
    assert.equal(outcome(set, { ...link, isUpgrade: false, hasBody: false }), 'link');
  });

  it('is a request like any other without TLS, over HTTP/2, with another method or target, with a body, and where it is off', () => {
    assert.equal(outcome({}, link), 'SP_NO_ROUTE');
    for (const change of [
      { peer: PLAIN },
      { httpVersion: '2' },
      { httpVersion: '1.0' },
      { method: 'POST' },
      { isUpgrade: false },
      { target: '/edge/link?' },
      { target: '/edge/link/' },
      { target: '/link' },
    ]) {
      assert.equal(outcome(set, { ...link, ...change }), 'SP_NO_ROUTE', JSON.stringify(change));
    }
  });

  it('is a link on a host that leads to a session as well, and nobody’s where the certificate is for other hosts', () => {
    assert.equal(outcome(set, { ...link, ...at('app.test', '/edge/link') }), 'link');
    assert.equal(outcome(set, { ...link, ...at('elsewhere.test', '/edge/link') }), 'SP_MISDIRECTED');
  });
});
