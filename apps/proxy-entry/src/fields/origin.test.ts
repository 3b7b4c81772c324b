import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fieldValue } from '../../../../packages/protocol/src/testing/arbitraries.ts';
import { check } from '../../../../packages/protocol/src/testing/check.ts';
import { nodeOf, trustOf } from './addresses.ts';
import { findOrigin } from './origin.ts';
import type { Origin } from './origin.ts';

const PROXY = '10.1.2.3';
const isTrusted = trustOf(['10.0.0.0/8', '2001:db8::/32']);

function find(fields: readonly string[], peer = PROXY): Origin {
  return findOrigin(peer, fields, isTrusted);
}

const trusted = fc.oneof(
  fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `10.0.${a}.${b}`),
  fc.nat(0xfff).map((last) => `2001:db8::${(last + 1).toString(16)}`),
);
const visitors = fc.oneof(
  fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `192.0.${a}.${b}`),
  fc.nat(0xfff).map((last) => `2001:db9::${(last + 1).toString(16)}`),
);
/** Anything that a visitor may have written in front, in one line. */
const claims = fc.array(fc.oneof(visitors, trusted, fieldValue), { maxLength: 5 });

describe('the origin of a request', () => {
  it('is the other end of the connection, where that is a stranger', () => {
    const fields = ['X-Forwarded-For', '1.1.1.1', 'Forwarded', 'for=1.1.1.1'];
    assert.deepEqual(find(fields, '192.0.2.7'), { peer: '192.0.2.7', address: '192.0.2.7', believed: null });
  });

  it('is unknown where the connection was gone before its address could be asked for', () => {
    assert.deepEqual(find([], ''), { peer: 'unknown', address: 'unknown', believed: null });
  });

  it('is the first from the right that is no trusted proxy; what stands left of it is its own claim', (t) => {
    const way = fc.tuple(claims, visitors, fc.array(trusted, { maxLength: 4 }));
    check(
      t,
      fc.property(way, ([claimed, visitor, proxies]) => {
        const list = [...claimed, visitor, ...proxies].join(', ');
        const { address, believed } = find(['X-Forwarded-For', list]);
        assert.equal(address, visitor);
        assert.deepEqual(believed!.chain, [visitor, ...proxies]);
        assert.deepEqual(
          believed!.elements,
          [visitor, ...proxies].map((each) => `for=${nodeOf(each)}`),
        );
      }),
    );
  });

  it('is found in Forwarded in the same way, whose elements are kept as they came', (t) => {
    const way = fc.tuple(fc.array(visitors, { maxLength: 3 }), visitors, fc.array(trusted, { maxLength: 4 }));
    check(
      t,
      fc.property(way, ([claimed, visitor, proxies]) => {
        const elements = [...claimed, visitor, ...proxies].map((each) => `For=${nodeOf(each)};proto=https`);
        const { address, believed } = find(['forwarded', elements.join(', ')]);
        assert.equal(address, visitor);
        assert.deepEqual(believed!.chain, [visitor, ...proxies]);
        assert.deepEqual(believed!.elements, elements.slice(claimed.length));
        assert.equal(believed!.scheme, 'https');
      }),
    );
  });

  it('is never what a visitor wrote in front of what trusted proxies added', (t) => {
    check(
      t,
      fc.property(fieldValue, visitors, fc.constantFrom('x-forwarded-for', 'forwarded'), (claim, visitor, name) => {
        const added = name === 'forwarded' ? `for=${nodeOf(visitor)};host="a.example"` : visitor;
        const { address } = find([name, `${claim}, ${added}`]);
        assert.ok(address === visitor || address === PROXY, `${address} of ${claim}, ${added}`);
      }),
    );
  });

  it('is the leftmost where all are trusted', () => {
    assert.equal(find(['X-Forwarded-For', '10.0.0.1, 10.0.0.2']).address, '10.0.0.1');
  });

  it('ends at what is no address: the proxy behind it is as far as one can see', () => {
    for (const hidden of ['unknown', '_secret', 'nonsense', '']) {
      const { address, believed } = find(['X-Forwarded-For', `1.1.1.1, ${hidden}, 10.0.0.2`]);
      assert.equal(address, '10.0.0.2');
      assert.deepEqual(believed!.chain, ['10.0.0.2']);
      assert.equal(find(['X-Forwarded-For', `1.1.1.1, ${hidden}`]).address, PROXY);
    }
    assert.equal(find(['Forwarded', 'for=1.1.1.1, for=unknown']).address, PROXY);
    assert.equal(find(['Forwarded', 'for="']).address, PROXY);
  });

  it('is found over several lines of a field', () => {
    assert.equal(find(['X-Forwarded-For', '1.1.1.1', 'x-forwarded-for', '10.0.0.2']).address, '1.1.1.1');
    assert.equal(find(['Forwarded', 'for=1.1.1.1', 'forwarded', 'for=2.2.2.2']).address, '2.2.2.2');
  });

  it('is the peer itself, and nothing is believed, where the two fields name different visitors', () => {
    const fields = ['X-Forwarded-For', '192.0.2.9', 'Forwarded', 'for=6.6.6.6', 'X-Forwarded-Proto', 'https'];
    assert.deepEqual(find(fields), { peer: PROXY, address: PROXY, believed: null });
    const agreed = find(['X-Forwarded-For', '6.6.6.6, 192.0.2.9', 'Forwarded', 'for=192.0.2.9;proto=https']);
    assert.equal(agreed.address, '192.0.2.9');
    assert.deepEqual(agreed.believed!.elements, ['for=192.0.2.9']);
  });
});

function told(fields: readonly string[]): (string | null)[] {
  const { scheme, host } = find(fields).believed!;
  return [scheme, host];
}

describe('scheme and host, as trusted proxies tell them', () => {
  it('are the last of several in X-Forwarded-*: those before it may be the visitor’s', () => {
    assert.deepEqual(told(['X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'a.example:8443']), [
      'https',
      'a.example:8443',
    ]);
    assert.deepEqual(told(['X-Forwarded-Proto', 'http, https']), ['https', null]);
    const two = ['X-Forwarded-For', '1.1.1.1, 10.0.0.2'];
    // Of two proxies in a row the outer one alone adds to what the visitor wrote.
    assert.deepEqual(told([...two, 'X-Forwarded-Proto', 'https, http']), ['http', null]);
    assert.deepEqual(told([...two, 'X-Forwarded-Proto', 'https', 'x-forwarded-proto', 'https,http']), ['http', null]);
    assert.deepEqual(told([...two, 'X-Forwarded-Host', 'evil.example, good.example']), [null, 'good.example']);
    assert.deepEqual(told([...two, 'X-Forwarded-Proto', 'https']), ['https', null]);
  });

  it('are those of the outermost of them in Forwarded, where that alone is there', () => {
    assert.deepEqual(told(['Forwarded', 'for=1.1.1.1;proto=HTTPS;host="a.example:80"']), ['https', 'a.example:80']);
    const two = 'for=9.9.9.9;proto=http, for=1.1.1.1;proto=https;host=a.example, for=10.0.0.2;proto=http;host=inner';
    assert.deepEqual(told(['Forwarded', two]), ['https', 'a.example']);
  });

  it('are what both say where both are there: one of them may be the visitor’s own, who knows its address', () => {
    const lists = ['X-Forwarded-For', '1.1.1.1', 'X-Forwarded-Proto', 'http'];
    const forged = 'for=1.1.1.1;host=evil.example;proto=https;by=evil';
    assert.deepEqual(told([...lists, 'Forwarded', forged]), [null, null]);
    assert.deepEqual(find([...lists, 'Forwarded', forged]).believed!.elements, ['for=1.1.1.1']);
    const honest = ['Forwarded', 'for=1.1.1.1;host=good.example;proto=http'];
    for (const address of [[], ['X-Forwarded-For', '1.1.1.1']]) {
      const lies = [...address, 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'evil.example'];
      assert.deepEqual(told([...honest, ...lies]), [null, null]);
      assert.equal(find([...honest, ...lies]).address, '1.1.1.1');
      assert.deepEqual(told([...honest, ...address, 'X-Forwarded-Host', 'evil.example']), [null, null]);
    }
    const both = [...honest, ...lists, 'X-Forwarded-Host', 'good.example'];
    assert.deepEqual(told(both), ['http', 'good.example']);
    assert.deepEqual(find(both).believed!.elements, ['for=1.1.1.1;host="good.example";proto=http']);
  });

  it('are not there where they are nothing that could be one', () => {
    assert.deepEqual(told([]), [null, null]);
    assert.deepEqual(told(['X-Forwarded-Proto', 'gopher', 'X-Forwarded-Host', 'a"b']), [null, null]);
  });
});
