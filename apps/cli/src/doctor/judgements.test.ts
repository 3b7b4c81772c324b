import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { loadConfig } from '@sallyport/config';
import { judgeCertificate } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { clockSkewMs, judgeClock } from './clock.ts';
import { judgeNode } from './configuration.ts';
import { judgeDescriptors } from './descriptors.ts';
import { fail, findingLine, shorten, warn } from './finding.ts';
import { limitSetting } from './limit-settings.ts';
import { judgeKind, judgeLinkAnswer } from './credential-link.ts';
import { judgeAnswer } from './target.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 5, 1);

describe('findingLine', () => {
  it('puts status and check in columns, and the cure behind what is wrong', () => {
    assert.equal(findingLine({ status: 'ok', check: 'node', message: 'Node 26' }), 'ok    node           Node 26');
    const broken = { status: 'fail', check: 'port', message: 'it is taken', fix: 'choose another' } as const;
    assert.equal(findingLine(broken), 'fail  port           it is taken; choose another');
  });
});

describe('what a stranger says', () => {
  it('gives a terminal no orders, and makes no line of its own', () => {
    const message = '\u001b[2Jok\nok  all is well\u009b8m\u0000\u007f\u2028\u202e';
    const line = findingLine({ status: 'warn', check: 'ready', message, fix: 'look\r' });
    assert.equal(
      line,
      String.raw`warn  ready          \u001b[2Jok\u000aok  all is well\u009b8m\u0000\u007f\u2028\u202e; look\u000d`,
    );
  });

  it('is cut where it goes on and on', () => {
    const line = findingLine({ status: 'ok', check: 'ready', message: 'a'.repeat(1_000_000) });
    assert.ok(line.length < 1_100 && line.endsWith('a…'));
  });

  it('names no page but one that there is', () => {
    const headers = { 'content-type': 'application/problem+json' };
    const pageOf = (code: string, hop = 'constructor') => {
      const body = JSON.stringify({ code, hop, title: 'x' });
      return judgeAnswer({ status: 500, headers, body }, 'x');
    };
    assert.equal(pageOf('SP_NO_CLIENT').page, 'docs/runbooks/sp-no-client.md');
    assert.equal(pageOf('SP_/../../etc/passwd').page, undefined);
    assert.equal(pageOf('SP_NO_CLIENT').fix, 'see the logs of that part');
    assert.match(limitSetting('constructor').fix, /look for its setting/);
  });
});

describe('shorten', () => {
  it('tells five findings of a kind, and how many more there are', () => {
    const many = Array.from({ length: 12 }, (_, i) => warn('session', `session ${i}`, 'start one', 'SP_NO_CLIENT'));
    const failed = fail('session', 'session x', 'more', 'SP_QUEUE_FULL');
    const told = shorten('server', [...many.slice(0, 6), failed, ...many.slice(6)]);
    assert.deepEqual(
      told.map(({ message }) => message),
      [...many.slice(0, 5).map(({ message }) => message), 'server: and 7 more of this kind', 'session x'],
    );
    assert.deepEqual(shorten('server', many.slice(0, 5)), many.slice(0, 5));
  });
});

describe('judgeCertificate', () => {
  const sound: Certificate = {
    refusal: null,
    names: 'DNS:a.example',
    issuer: 'An Authority',
    notBeforeMs: NOW_MS,
    notAfterMs: NOW_MS + 90 * DAY_MS,
    alpn: null,
  };

  it('is content with a certificate that lasts, and says for how many days', () => {
    const { status, message } = judgeCertificate(sound, 'https://a.example', 'trust it', NOW_MS);
    assert.equal(status, 'ok');
    assert.match(message, /DNS:a\.example from An Authority, valid for 90\.0 days still/);
  });

  // Of all days that it is good for: with so many left.
  for (const [life, cases] of [
    [90, { 14: 'ok', 13.9: 'warn', 7: 'warn', 6.9: 'fail', 0: 'fail' }],
    [6, { 2: 'ok', 1.5: 'ok', 1.4: 'warn', 1: 'warn', 0.9: 'fail', 0: 'fail' }],
  ] as const) {
    it(`warns and fails with the alerts of one that is good for ${life} days, and not before it is renewed`, () => {
      for (const [days, status] of Object.entries(cases)) {
        const notAfterMs = NOW_MS + Number(days) * DAY_MS;
        const certificate = { ...sound, notBeforeMs: notAfterMs - life * DAY_MS, notAfterMs };
        assert.equal(judgeCertificate(certificate, 'x', 'trust it', NOW_MS).status, status, days);
      }
    });
  }

  it('fails where a client would refuse, with the names that the certificate is for', () => {
    const refused = { ...sound, refusal: 'ERR_TLS_CERT_ALTNAME_INVALID' };
    const { status, message, fix } = judgeCertificate(refused, 'https://b.example', 'trust it', NOW_MS);
    assert.equal(status, 'fail');
    assert.match(message, /DNS:a\.example.*for other names/);
    assert.match(fix!, /one of its names/);
  });

  it('says how to trust an authority, and passes on a reason that it does not know', () => {
    const untrusted = { ...sound, refusal: 'SELF_SIGNED_CERT_IN_CHAIN' };
    assert.equal(judgeCertificate(untrusted, 'x', 'trust it', NOW_MS).fix, 'trust it');
    const unknown = { ...sound, refusal: 'SOMETHING_NEW' };
    assert.match(judgeCertificate(unknown, 'x', 'trust it', NOW_MS).message, /SOMETHING_NEW/);
  });
});

describe('clockSkewMs', () => {
  it('never says more than the true skew, nor the wrong direction, and less by a second and the round trip at most', () => {
    const trip = fc.record({
      sentMs: fc.integer({ min: NOW_MS, max: NOW_MS + DAY_MS }),
      skewMs: fc.integer({ min: -3_600_000, max: 3_600_000 }),
      thereMs: fc.nat(500),
      backMs: fc.nat(500),
    });
    fc.assert(
      fc.property(trip, ({ sentMs, skewMs, thereMs, backMs }) => {
        const date = new Date(sentMs + thereMs + skewMs).toUTCString();
        const found = clockSkewMs(date, sentMs, sentMs + thereMs + backMs)!;
        assert.ok(found === 0 || Math.sign(found) === Math.sign(skewMs));
        assert.ok(Math.abs(found) <= Math.abs(skewMs));
        assert.ok(Math.abs(skewMs) - Math.abs(found) <= 1_000 + thereMs + backMs);
      }),
    );
  });

  it('says nothing without a date, or with one that is none', () => {
    for (const date of [undefined, '', 'yesterday']) assert.equal(clockSkewMs(date, 0, 1), null);
    assert.deepEqual(judgeClock(null, 'x'), []);
  });

  it('warns beyond five seconds and says which clock is ahead', () => {
    assert.equal(judgeClock(5_000, 'x')[0]?.status, 'ok');
    assert.match(judgeClock(90_000, 'x')[0]!.message, /90 s ahead of/);
    assert.match(judgeClock(-90_000, 'x')[0]!.message, /90 s behind/);
  });
});

describe('judgeLinkAnswer', () => {
  it('takes an upgrade to our subprotocol alone for a link', () => {
    assert.equal(judgeLinkAnswer(101, 'sallyport', 'x').status, 'ok');
    assert.equal(judgeLinkAnswer(101, undefined, 'x').status, 'fail');
  });

  it('knows a refused credential, a full server and a proxy in between', () => {
    assert.match(judgeLinkAnswer(401, undefined, 'x').message, /credential is refused/);
    assert.equal(judgeLinkAnswer(503, undefined, 'x').status, 'warn');
    assert.match(judgeLinkAnswer(400, undefined, 'x').fix!, /WebSocket upgrades/);
  });
});

describe('judgeKind', () => {
  it('fails for a credential that was made for the other kind, and says how to make one', () => {
    assert.equal(judgeKind('entry', 'entry', 'x').status, 'ok');
    assert.equal(judgeKind(null, 'entry', 'x').status, 'ok');
    const { status, message, fix, page } = judgeKind('client', 'entry', 'x');
    assert.deepEqual([status, message], ['fail', 'x: the credential was made for clients, and not for this']);
    assert.match(fix!, /creds add NAME --for entry$/);
    assert.equal(page, 'docs/runbooks/sp-credential-refused.md');
  });
});

describe('judgeAnswer', () => {
  const through = { via: '1.1 sallyport-local' };

  it('names the hop of a problem of ours and how to cure it', () => {
    const body = JSON.stringify({ code: 'SP_BACKEND_REFUSED', hop: 'backend', title: 'It cannot be connected to' });
    const headers = { ...through, 'content-type': 'application/problem+json' };
    const { status, message, fix } = judgeAnswer({ status: 502, headers, body }, 'http://x/');
    assert.equal(status, 'fail');
    assert.match(message, /502 SP_BACKEND_REFUSED at the backend: It cannot/);
    assert.match(fix!, /repair the backend/);
  });

  it("takes another service's problem for the backend's answer", () => {
    const headers = { ...through, 'content-type': 'application/problem+json' };
    for (const body of ['{"code":"OTHER"}', '{', '']) {
      assert.match(judgeAnswer({ status: 500, headers, body }, 'x').message, /from the backend/);
    }
  });

  it('is content with success and with a demand for a credential, and looks twice at what came past the tunnel', () => {
    const statuses = [200, 302, 401, 404, 500].map(
      (status) => judgeAnswer({ status, headers: through, body: '' }, 'x').status,
    );
    assert.deepEqual(statuses, ['ok', 'ok', 'ok', 'warn', 'fail']);
    assert.equal(judgeAnswer({ status: 200, headers: {}, body: '' }, 'x').status, 'warn');
  });
});

describe('judgeDescriptors', () => {
  const loaded = loadConfig({
    env: {},
    cwd: '/nowhere',
    overrides: [
      { path: 'client.sessions', value: [{ id: 'a', backend: 'http://a' }] },
      { path: 'entry.connections', value: 500 },
    ],
  });
  assert.ok(loaded.ok);
  const { config } = loaded;

  it('warns of each part that may need more than it is allowed, and names the setting', () => {
    const found = judgeDescriptors(config, new Set(['entry', 'client']), () => 1_000);
    assert.deepEqual(
      found.map(({ status }) => status),
      ['warn'],
    );
    // 10 slots, 1,000 long streams, a link, and room for other files.
    assert.match(found[0]!.message, /1000 open files allowed, and the client may need 1075/);
    assert.match(found[0]!.fix!, /LimitNOFILE=1075.*client\.maxLongStreams/);
  });

  it('counts connections to the server that are no link yet', () => {
    const few = { ...config, server: { ...config.server, maxLinks: 300 } };
    const [found] = judgeDescriptors(few, new Set(['server']), () => 1_000);
    assert.match(found!.message, /the server may need 1388$/);
  });

  it('counts links that pass through the entry twice', () => {
    const tls = { ...config.entry.tls, linkPath: '/link', maxLinks: 300 };
    const passing = { ...config, entry: { ...config.entry, tls } };
    const [found] = judgeDescriptors(passing, new Set(['entry']), () => 1_000);
    assert.match(found!.message, /the entry may need 1165$/);
  });

  it('looks at the parts that are configured alone', () => {
    assert.equal(judgeDescriptors(config, new Set(['entry']), () => 1_000)[0]?.status, 'ok');
    assert.deepEqual(
      judgeDescriptors(config, new Set(['entry']), () => null),
      [],
    );
  });
});

it('asks for Node 24 or later', () => {
  assert.deepEqual(
    ['20.20.2', '23.11.0', '24.0.0', '26.10.0'].map((version) => judgeNode(version).status),
    ['fail', 'fail', 'ok', 'ok'],
  );
});
