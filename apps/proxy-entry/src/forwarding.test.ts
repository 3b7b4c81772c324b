import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fields } from '../../../packages/protocol/src/testing/arbitraries.ts';
import { check } from '../../../packages/protocol/src/testing/check.ts';
import { Forwarding, valuesOf } from './forwarding.ts';
import type { Arrival } from './forwarding.ts';
import { arrival, lines } from './testing/requests.ts';

const VIA = '1.1 sallyport-local';
const PROXY = '10.1.2.3';
const forwarding = new Forwarding({ pseudonym: 'sallyport-local', trustedProxies: ['10.0.0.0/8', '2001:db8::/32'] });

function forwarded(raw: readonly string[], changes: Partial<Arrival> = {}): string[] {
  const fields: string[] = [];
  assert.ok(forwarding.request(fields, raw, arrival(changes)));
  return fields;
}

function isLoop(raw: readonly string[]): boolean {
  return !forwarding.request([], raw, arrival());
}

function answered(raw: readonly string[], timing: string | null = null, isUpgrade = false): string[] {
  return forwarding.response(raw, 'id-1', timing, isUpgrade);
}

const OURS = [
  'Forwarded: for=192.0.2.7;host="visited.example";proto=http',
  'X-Forwarded-For: 192.0.2.7',
  'X-Forwarded-Proto: http',
  'X-Forwarded-Host: visited.example',
  'X-Forwarded-Prefix: /session/demo',
  `Via: ${VIA}`,
  'X-Request-Id: id-1',
];
/** But Via: ours continues it (tests of its own below). */
const anyFields = fields.filter((raw) => valuesOf(raw, 'via').length === 0);
const OUR_NAMES = new Set(['host', 'expect', ...OURS.map((line) => line.split(':')[0]!.toLowerCase())]);

describe('on its way to the backend', () => {
  it('a request has Host first, the visitor’s fields as sent, then ours', () => {
    const raw = ['X-Many', '1', 'Host', 'ignored', 'x-MANY', '2', 'Cookie', 'a=b', 'X-Latin', 'gr\xfc\xdfe'];
    assert.deepEqual(lines(forwarded(raw)), [
      'Host: visited.example',
      'X-Many: 1',
      'x-MANY: 2',
      'Cookie: a=b',
      'X-Latin: gr\xfc\xdfe',
      ...OURS,
    ]);
  });

  it('every field that is neither of one connection nor ours passes, in order, byte for byte', (t) => {
    check(
      t,
      fc.property(anyFields, (raw) => {
        const expected = lines(raw).filter((_, i) => passesOn(raw[2 * i]!));
        assert.deepEqual(lines(forwarded(raw)), ['Host: visited.example', ...expected, ...OURS]);
      }),
    );
  });

  it('Host is what admission found, once', () => {
    assert.deepEqual(lines(forwarded(['Host', 'a', 'hOST', 'b'], { host: 'c:1' }), 'host'), ['Host: c:1']);
  });

  it('fields of one connection end here, and those that Connection nominates', () => {
    const raw = ['Connection', 'x-private, close', 'X-Private', '1', 'Keep-Alive', 'timeout=5', 'X-Public', '2'];
    const kept = forwarded([...raw, 'Transfer-Encoding', 'chunked', 'Upgrade', 'h2c', 'TE', 'gzip', 'Expect', 'x']);
    assert.deepEqual(lines(kept), ['Host: visited.example', 'X-Public: 2', ...OURS]);
  });

  it('none of ours can be nominated away', () => {
    const raw = ['Connection', 'Host, Via, Forwarded, X-Forwarded-For, X-Request-Id', 'Via', '1.0 before'];
    const kept = lines(forwarded(raw));
    assert.ok(kept.includes(`Via: 1.0 before, ${VIA}`));
    assert.deepEqual(kept, ['Host: visited.example', ...OURS.map((each) => each.replace(VIA, `1.0 before, ${VIA}`))]);
  });

  it('Upgrade passes where an upgrade is asked for', () => {
    const raw = ['Connection', 'Upgrade', 'Upgrade', 'websocket'];
    assert.deepEqual(lines(forwarded(raw, { isUpgrade: true }), 'upgrade'), ['Upgrade: websocket']);
    assert.deepEqual(lines(forwarded(raw), 'upgrade'), []);
  });

  it('the request id is ours, whatever the visitor wrote', () => {
    assert.deepEqual(lines(forwarded(['x-request-id', 'theirs']), 'x-request-id'), ['X-Request-Id: id-1']);
  });

  it('one visitor’s host, address and scheme are never told of the next', () => {
    for (const changes of [
      {},
      { host: 'other.example' },
      { remoteAddress: '192.0.2.8' },
      { scheme: 'https' },
      {},
    ] as const) {
      const { remoteAddress, host, scheme } = arrival(changes);
      const expected = [`for=${remoteAddress};host="${host}";proto=${scheme}`];
      assert.deepEqual(valuesOf(forwarded([], changes), 'forwarded'), expected);
    }
  });

  it('there is no prefix where the host chose the session', () => {
    assert.deepEqual(lines(forwarded([], { prefix: '' }), 'x-forwarded-prefix'), []);
  });
});

describe('what a stranger claims', () => {
  const claims = [
    ['Forwarded', 'for=1.1.1.1'],
    ['X-Forwarded-For', '1.1.1.1'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'bank.example'],
    ['X-Forwarded-Prefix', '/admin'],
  ].flat();

  it('is replaced by what we saw', () => {
    assert.deepEqual(lines(forwarded(claims)), ['Host: visited.example', ...OURS]);
  });

  it('is dropped in every spelling that a backend may read as the same', () => {
    for (const name of [
      'X_Forwarded_For',
      'x-forwarded_for',
      'X_REQUEST_ID',
      'x_forwarded-Host',
      'X_Forwarded-Prefix',
    ]) {
      assert.deepEqual(lines(forwarded([name, 'forged'])), ['Host: visited.example', ...OURS], name);
    }
  });

  it('is dropped as well from an address outside the trusted networks, or none', () => {
    for (const remoteAddress of ['11.0.0.1', '2001:db9::1', '']) {
      const fields = forwarded(claims, { remoteAddress });
      assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), [remoteAddress]);
      assert.deepEqual(valuesOf(fields, 'x-forwarded-host'), ['visited.example']);
    }
  });
});

describe('what a trusted proxy says', () => {
  it('is extended by the address it came from', () => {
    const raw = ['Forwarded', 'for=1.1.1.1;proto=https', 'X-Forwarded-For', '1.1.1.1, 10.9.9.9'];
    const fields = forwarded([...raw, 'X-Forwarded-For', '10.8.8.8'], { remoteAddress: PROXY });
    assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), [`1.1.1.1, 10.9.9.9, 10.8.8.8, ${PROXY}`]);
    const element = `for=${PROXY};host="visited.example";proto=http`;
    assert.deepEqual(valuesOf(fields, 'forwarded'), [`for=1.1.1.1;proto=https, ${element}`]);
  });

  it('is believed of the scheme and the host that the visitor used', () => {
    const raw = ['X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'bank.example', 'X-Forwarded-Prefix', '/shop'];
    const fields = forwarded(raw, { remoteAddress: PROXY });
    assert.deepEqual(valuesOf(fields, 'x-forwarded-proto'), ['https']);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-host'), ['bank.example']);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-prefix'), ['/shop, /session/demo']);
    assert.deepEqual(valuesOf(fields, 'host'), ['visited.example']);
  });

  it('is not needed: without it the fields are what we saw', () => {
    const fields = forwarded([], { remoteAddress: PROXY, prefix: '' });
    assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), [PROXY]);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-proto'), ['http']);
  });

  it('does not make an underscore a hyphen', () => {
    const fields = forwarded(['X_Forwarded_For', '1.1.1.1'], { remoteAddress: PROXY });
    assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), [PROXY]);
    assert.deepEqual(valuesOf(fields, 'x_forwarded_for'), []);
  });

  it('comes over IPv6 too, where an address is quoted in Forwarded (RFC 7239 §6) and bare elsewhere', () => {
    const fields = forwarded(['X-Forwarded-For', '1.1.1.1'], { remoteAddress: '2001:db8::5' });
    assert.deepEqual(valuesOf(fields, 'forwarded'), ['for="[2001:db8::5]";host="visited.example";proto=http']);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), ['1.1.1.1, 2001:db8::5']);
  });
});

describe('Via', () => {
  it('names the version that we received, behind those the request passed before', () => {
    const fields = forwarded(['Via', '1.0 first', 'via', '1.1 second (proxy)'], { httpVersion: '1.0' });
    assert.deepEqual(valuesOf(fields, 'via'), ['1.0 first, 1.1 second (proxy), 1.0 sallyport-local']);
  });

  it('with our own name in it is a loop', () => {
    for (const via of [VIA, `1.0 a,${VIA}`, `1.0 a ,\t1.0  sallyport-local (x)`, 'HTTP/1.1 sallyport-local , 1.1 z']) {
      assert.ok(isLoop(['Via', via]), via);
    }
    assert.ok(isLoop(['VIA', '1.1 a', 'via', VIA]));
  });

  it('with a name that only resembles ours is none', () => {
    for (const via of ['1.1 sallyport-local2', '1.1 sallyport', 'sallyport-local', '1.1 a (sallyport-local)']) {
      assert.ok(!isLoop(['Via', via]), via);
    }
  });

  it('with more than ten names is taken for a loop', () => {
    assert.ok(!isLoop(['Via', names(10)]));
    assert.ok(isLoop(['Via', names(11)]));
    assert.ok(isLoop(['Via', names(6), 'Via', names(5)]));
  });
});

describe('on its way back', () => {
  it('an answer passes as it is, with Via and the request id added', () => {
    const raw = ['Date', 'now', 'SET-Cookie', 'a=1', 'set-cookie', 'b=2, c', 'ETag', 'W/"x"', 'X-Latin', '\xfc'];
    const expected = [...lines(raw), `Via: ${VIA}`, 'X-Request-Id: id-1'];
    assert.deepEqual(lines(answered(raw)), expected);
  });

  it('every field that is neither of one connection nor ours passes, in order, byte for byte', (t) => {
    check(
      t,
      fc.property(anyFields, (raw) => {
        const expected = lines(raw).filter((_, i) => passesBack(raw[2 * i]!));
        assert.deepEqual(lines(answered(raw)), [...expected, `Via: ${VIA}`, 'X-Request-Id: id-1']);
      }),
    );
  });

  it('an answer keeps the backend’s Via in front of ours, as one field', () => {
    const fields = answered(['Via', '1.1 cache', 'Age', '3', 'via', '1.0 other']);
    assert.deepEqual(lines(fields, 'via'), [`Via: 1.1 cache, 1.0 other, ${VIA}`]);
  });

  it('an answer has our request id, not the backend’s', () => {
    assert.deepEqual(lines(answered(['x-Request-ID', 'theirs']), 'x-request-id'), ['X-Request-Id: id-1']);
  });

  it('the backend’s Server-Timing is kept beside ours', () => {
    const fields = answered(['server-timing', 'db;dur=12.5'], 'entry;dur=0.100');
    assert.deepEqual(lines(fields, 'server-timing'), ['server-timing: db;dur=12.5', 'Server-Timing: entry;dur=0.100']);
    assert.deepEqual(lines(answered(['Server-Timing', 'db'], null), 'server-timing'), ['Server-Timing: db']);
  });

  it('fields of one connection end here, but the Upgrade of a 101', () => {
    const raw = ['Connection', 'Upgrade, X-Private', 'X-Private', '1', 'Keep-Alive', 'x', 'Upgrade', 'websocket'];
    assert.deepEqual(lines(answered(raw)), [`Via: ${VIA}`, 'X-Request-Id: id-1']);
    assert.deepEqual(lines(answered(raw, null, true), 'upgrade'), ['Upgrade: websocket']);
  });
});

function isOfConnection(name: string): boolean {
  const names = ['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade'];
  return names.includes(name.toLowerCase());
}

function passesOn(name: string): boolean {
  return !OUR_NAMES.has(name.toLowerCase().replaceAll('_', '-')) && !isOfConnection(name);
}

function passesBack(name: string): boolean {
  return !['via', 'x-request-id'].includes(name.toLowerCase()) && !isOfConnection(name);
}

function names(count: number): string {
  return Array.from({ length: count }, (_, i) => `1.1 proxy-${i}`).join(', ');
}
