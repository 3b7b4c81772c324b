import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endToEnd, FieldKind, kindOf } from '@sallyport/protocol';
import fc from 'fast-check';
import { fields } from '../../../../packages/protocol/src/testing/arbitraries.ts';
import { check } from '../../../../packages/protocol/src/testing/check.ts';
import { arrival, headOf, lines, stranger } from '../testing/requests.ts';
import { HeadPasses } from './head-passes.ts';
import type { Arrival } from './request-head.ts';
import { REQUEST_PASSES } from './request-passes.ts';
import { valuesOf } from './values.ts';

const VIA = '1.1 sallyport-local';
const PROXY = '10.1.2.3';
const passes = new HeadPasses({ pseudonym: 'sallyport-local', trustedProxies: ['10.0.0.0/8', '2001:db8::/32'] });

function forwarded(sent: readonly string[], changes: Partial<Arrival> = {}): string[] {
  const fields: string[] = [];
  assert.ok(passes.request(fields, sent, arrival(changes)));
  return fields;
}

/** Of a request that came from a proxy at `peer`. */
function throughProxy(sent: readonly string[], peer = PROXY, changes: Partial<Arrival> = {}): string[] {
  return forwarded(sent, { origin: passes.origin(peer, sent), ...changes });
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
const ALL_OURS = ['Host: visited.example', ...OURS];
/** But Via: ours continues it. */
const anyFields = fields.filter((sent) => valuesOf(sent, 'via').length === 0);

describe('the passes over a request', () => {
  it('have names, each another', () => {
    const names = REQUEST_PASSES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[a-z]+(-[a-z]+)*$/);
  });

  it('one by one change a head only where it is their concern', () => {
    for (const { name, apply } of REQUEST_PASSES) {
      if (['host', 'pass-on', 'way', 'via', 'request-id'].includes(name)) continue;
      const head = { ...headOf([]), out: ['X', '/', 'x', '1', 'y', '2'], from: 2 };
      apply(head);
      assert.deepEqual(head.out, ['X', '/', 'x', '1', 'y', '2'], name);
    }
  });

  it('leave what stands before the fields alone, whatever its name', () => {
    const out = ['COOKIE', '/target'];
    const sent = ['Connection', 'cookie, x', 'X', '1', 'Cookie', 'a=1'];
    assert.ok(passes.request(out, sent, arrival({ httpVersion: '2' })));
    assert.deepEqual(lines(out), ['COOKIE: /target', 'Host: visited.example', 'Cookie: a=1', ...OURS.map(http2Via)]);
  });
});

describe('on its way to the backend', () => {
  it('a request has Host first, the visitor’s fields as sent, then ours', () => {
    const sent = ['X-Many', '1', 'Host', 'ignored', 'x-MANY', '2', 'Cookie', 'a=b', 'X-Latin', 'gr\xfc\xdfe'];
    const kept = ['X-Many: 1', 'x-MANY: 2', 'Cookie: a=b', 'X-Latin: gr\xfc\xdfe'];
    assert.deepEqual(lines(forwarded(sent)), ['Host: visited.example', ...kept, ...OURS]);
  });

  it('every field that is neither of one connection nor ours passes, in order, byte for byte', (t) => {
    const passing = FieldKind.LASTING | FieldKind.HEAD_ONLY | FieldKind.COOKIE | FieldKind.CONTENT_LENGTH;
    const notOurs = ~(passing | FieldKind.EXPECT | FieldKind.MAX_FORWARDS);
    check(
      t,
      fc.property(anyFields, (sent) => {
        const expected = lines(sent).filter((_, i) => (kindOf(sent[2 * i]!) & notOurs) === 0);
        assert.deepEqual(lines(forwarded(sent)), ['Host: visited.example', ...expected, ...OURS]);
      }),
    );
  });

  it('loses the same fields of one connection that the other end would take away', (t) => {
    const names = ['Connection', 'te', 'Keep-Alive', 'upgrade', 'x-a', 'X-B', 'x-c', 'Transfer-Encoding'];
    const values = ['close', 'x-a', 'X-B , te', 'keep-alive', 'trailers', 'gzip;q=1, trailers;q=0.5', 'x-c,,close', ''];
    const any = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values)), { maxLength: 8 });
    check(
      t,
      fc.property(any, fc.boolean(), (pairs, isUpgrade) => {
        const sent = pairs.flat();
        const ours = lines(forwarded(sent, { isUpgrade })).filter((line) => !ALL_OURS.includes(line));
        assert.deepEqual(ours.toSorted(), lines(endToEnd(sent, isUpgrade)).toSorted());
      }),
    );
  });

  it('Host is what admission found, once', () => {
    assert.deepEqual(lines(forwarded(['Host', 'a', 'hOST', 'b'], { host: 'c:1' }), 'host'), ['Host: c:1']);
  });

  it('fields of one connection end here, and those that Connection nominates', () => {
    const sent = ['Connection', 'x-private, close', 'X-Private', '1', 'Keep-Alive', 'timeout=5', 'X-Public', '2'];
    const kept = forwarded([...sent, 'Transfer-Encoding', 'chunked', 'Upgrade', 'h2c', 'TE', 'gzip']);
    assert.deepEqual(lines(kept), ['Host: visited.example', 'X-Public: 2', ...OURS]);
  });

  it('that trailers are welcome goes on, nominated or not, and nothing else of TE', () => {
    for (const te of ['trailers', 'Trailers', 'gzip, trailers;q=0.5', 'deflate;q=0 ,trailers']) {
      assert.deepEqual(lines(forwarded(['te', te]), 'te'), ['TE: trailers'], te);
      assert.deepEqual(lines(forwarded(['TE', te, 'Connection', 'TE', 'te', te]), 'te'), ['TE: trailers'], te);
    }
    for (const te of ['gzip', 'trailers-not', 'x-trailers', ''])
      assert.deepEqual(lines(forwarded(['TE', te]), 'te'), []);
  });

  it('what is expected of the backend is told to it', () => {
    assert.deepEqual(lines(forwarded(['Expect', '100-continue']), 'expect'), ['Expect: 100-continue']);
  });

  it('none of ours can be nominated away, nor what the message needs', () => {
    const ours = 'Host, Via, Forwarded, X-Forwarded-For, X-Forwarded-Host, X-Request-Id, Client-Cert';
    const kept = ['Authorization', 'Bearer x', 'Cookie', 'a=b', 'Content-Length', '3', 'Content-Type', 'a/b'];
    const nominating = ['Connection', `${ours}, Authorization, cookie, content-length, Content-Type, Content-Encoding`];
    const sent = [...nominating, 'Via', '1.0 before', ...kept, 'content-encoding', 'br'];
    assert.deepEqual(lines(forwarded(sent, { clientCertificate: ':AA==:' })), [
      'Host: visited.example',
      ...lines([...kept, 'content-encoding', 'br']),
      ...OURS.slice(0, 5),
      'Client-Cert: :AA==:',
      `Via: 1.0 before, ${VIA}`,
      'X-Request-Id: id-1',
    ]);
  });

  it('Upgrade passes where an upgrade is asked for', () => {
    const sent = ['Connection', 'Upgrade', 'Upgrade', 'websocket'];
    assert.deepEqual(lines(forwarded(sent, { isUpgrade: true }), 'upgrade'), ['Upgrade: websocket']);
    assert.deepEqual(lines(forwarded(sent), 'upgrade'), []);
  });

  it('the request id is ours, whatever the visitor wrote', () => {
    assert.deepEqual(lines(forwarded(['x-request-id', 'theirs']), 'x-request-id'), ['X-Request-Id: id-1']);
  });

  it('a certificate is the one that was verified, never what the visitor wrote', () => {
    const sent = ['Client-Cert', ':forged:', 'client-cert-chain', ':forged:', 'Client_Cert', ':forged:'];
    assert.deepEqual(lines(forwarded(sent)), ALL_OURS);
    assert.deepEqual(valuesOf(forwarded(sent, { clientCertificate: ':AA==:' }), 'client-cert'), [':AA==:']);
  });

  it('one visitor’s host, address and scheme are never told of the next', () => {
    const others: Partial<Arrival>[] = [
      {},
      { host: 'other.example' },
      { origin: stranger('192.0.2.8') },
      { scheme: 'https' },
      {},
    ];
    for (const changes of others) {
      const { origin, host, scheme } = arrival(changes);
      const expected = [`for=${origin.peer};host="${host}";proto=${scheme}`];
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
    ['X-Forwarded-Port', '443'],
    ['X-Forwarded-User', 'root'],
    ['X-Real-IP', '1.1.1.1'],
    ['Proxy-Authorization', 'Basic eA=='],
  ].flat();

  it('is replaced by what we saw', () => {
    assert.deepEqual(lines(forwarded(claims)), ALL_OURS);
  });

  it('is dropped in every spelling that a backend may read as the same', () => {
    const names = ['X_Forwarded_For', 'x-forwarded_for', 'X_REQUEST_ID', 'x_forwarded-Host', 'X.Forwarded.Prefix'];
    const more = ['Client_Cert', 'X_Real_IP', 'Content_Length', 'transfer_encoding', 'Keep_Alive', 'Proxy~Connection'];
    for (const name of [...names, ...more]) assert.deepEqual(lines(forwarded([name, '1'])), ALL_OURS, name);
  });

  it('passes where an underscore hides nothing', () => {
    const sent = ['my_field', '1', 'Content_Type', 'a/b', '_x', '2', 'X_Forward', '3'];
    assert.deepEqual(lines(forwarded(sent)), ['Host: visited.example', ...lines(sent), ...OURS]);
  });

  it('is dropped as well from an address outside the trusted networks, or none', () => {
    for (const peer of ['11.0.0.1', '2001:db9::1', '']) {
      const fields = throughProxy(claims, peer);
      assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), [peer === '' ? 'unknown' : peer]);
      assert.deepEqual(valuesOf(fields, 'x-forwarded-host'), ['visited.example']);
    }
  });
});

describe('Max-Forwards', () => {
  it('is written anew where it is heeded, in one line, and cannot be nominated away', () => {
    const sent = ['max-forwards', '5', 'Max-Forwards', '3'];
    for (const more of [[], ['Connection', 'Max-Forwards']]) {
      const fields = forwarded([...sent, ...more], { maxForwards: 2 });
      assert.deepEqual(lines(fields, 'max-forwards'), ['Max-Forwards: 2']);
    }
  });

  it('passes on where it is not', () => {
    assert.deepEqual(lines(forwarded(['max-forwards', '5']), 'max-forwards'), ['max-forwards: 5']);
  });
});

describe('what a trusted proxy says', () => {
  it('is extended by the address it came from', () => {
    const list = ['X-Forwarded-For', '1.1.1.1, 10.9.9.9', 'X-Forwarded-For', '10.8.8.8'];
    const way = 'for=1.1.1.1;proto=https, for=10.9.9.9, for=10.8.8.8';
    const fields = throughProxy([...list, 'Forwarded', way, 'X-Forwarded-Proto', 'https']);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), [`1.1.1.1, 10.9.9.9, 10.8.8.8, ${PROXY}`]);
    const element = `for=${PROXY};host="visited.example";proto=http`;
    assert.deepEqual(valuesOf(fields, 'forwarded'), [`${way}, ${element}`]);
  });

  it('begins with the visitor’s address: what the visitor wrote in front of it is gone', () => {
    const fields = throughProxy(['X-Forwarded-For', '127.0.0.1, 6.6.6.6, 192.0.2.9, 10.9.9.9']);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), [`192.0.2.9, 10.9.9.9, ${PROXY}`]);
    const element = `for=${PROXY};host="visited.example";proto=http`;
    assert.deepEqual(valuesOf(fields, 'forwarded'), [`for=192.0.2.9, for=10.9.9.9, ${element}`]);
  });

  it('is told in both fields, whichever it came in', () => {
    const fields = throughProxy(['Forwarded', 'for="[2001:db9::1]:80";proto=https']);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), [`2001:db9::1, ${PROXY}`]);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-proto'), ['https']);
  });

  it('is believed of the scheme and the host that the visitor used, and of what we do not write ourselves', () => {
    const sent = ['X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'bank.example', 'X-Forwarded-Prefix', '/shop'];
    const fields = throughProxy([...sent, 'X-Forwarded-Port', '443', 'X-Real-IP', '192.0.2.9']);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-proto'), ['https']);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-host'), ['bank.example']);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-prefix'), ['/shop, /session/demo']);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-port'), ['443']);
    assert.deepEqual(valuesOf(fields, 'x-real-ip'), ['192.0.2.9']);
    assert.deepEqual(valuesOf(fields, 'host'), ['visited.example']);
    assert.deepEqual(valuesOf(throughProxy(sent, PROXY, { prefix: '' }), 'x-forwarded-prefix'), ['/shop']);
  });

  it('is not needed: without it the fields are what we saw', () => {
    const fields = throughProxy([], PROXY, { prefix: '' });
    assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), [PROXY]);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-proto'), ['http']);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-prefix'), []);
  });

  it('of two visitors at once is not believed at all', () => {
    const sent = ['X-Forwarded-For', '192.0.2.9', 'Forwarded', 'for=6.6.6.6', 'X-Forwarded-Port', '443'];
    const fields = throughProxy([...sent, 'X-Forwarded-Prefix', '/x']);
    assert.deepEqual(
      lines(fields),
      ALL_OURS.map((line) => line.replace('192.0.2.7', PROXY)),
    );
  });

  it('does not make an underscore a hyphen, nor a certificate', () => {
    const fields = throughProxy(['X_Forwarded_For', '1.1.1.1', 'Client-Cert', ':x:', 'X_Forwarded_Port', '1']);
    assert.deepEqual(
      lines(fields),
      ALL_OURS.map((line) => line.replace('192.0.2.7', PROXY)),
    );
  });

  it('comes over IPv6 too, where an address is quoted in Forwarded (RFC 7239 §6) and bare elsewhere', () => {
    const fields = throughProxy(['X-Forwarded-For', '1.1.1.1'], '2001:db8::5', { host: 'a.example:81' });
    const element = 'for="[2001:db8::5]";host="a.example:81";proto=http';
    assert.deepEqual(valuesOf(fields, 'forwarded'), [`for=1.1.1.1, ${element}`]);
    assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), ['1.1.1.1, 2001:db8::5']);
  });
});

function http2Via(line: string): string {
  return line.replace(`Via: ${VIA}`, 'Via: 2 sallyport-local');
}
