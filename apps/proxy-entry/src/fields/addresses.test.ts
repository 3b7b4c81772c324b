import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { check } from '../../../../packages/protocol/src/testing/check.ts';
import { addressOf, nodeOf, trustOf } from './addresses.ts';

const UNQUOTED = /^"\[(.*)\]"$/;

describe('an address', () => {
  it('is read with and without a port, in brackets where it is IPv6', () => {
    for (const [text, address] of [
      ['192.0.2.43', '192.0.2.43'],
      ['192.0.2.43:47011', '192.0.2.43'],
      ['[2001:db8:cafe::17]:4711', '2001:db8:cafe::17'],
      ['[2001:db8::1]', '2001:db8::1'],
      ['2001:DB8::1', '2001:db8::1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['[::FFFF:192.0.2.1]:80', '192.0.2.1'],
    ] as const) {
      assert.equal(addressOf(text), address, text);
    }
  });

  it('is none where it is hidden, unknown, of one machine only, or nonsense', () => {
    for (const text of ['', 'unknown', '_hidden', '192.0.2', '192.0.2.256', '1.2.3.4:', '1.2.3.4:x', 'fe80::1%eth0']) {
      assert.equal(addressOf(text), '', text);
    }
    for (const text of ['[1.2.3.4', '2001:db8::1]:80', 'a.example', '1.2.3.4 5.6.7.8', '1.2.3.4:123456']) {
      assert.equal(addressOf(text), '', text);
    }
  });

  it('comes back from the node that it is written as', (t) => {
    const addresses = fc.oneof(fc.ipV4(), fc.ipV6());
    check(
      t,
      fc.property(addresses, (address) => {
        const read = addressOf(address);
        assert.equal(addressOf(nodeOf(read).replace(UNQUOTED, '[$1]')), read);
      }),
    );
  });

  it('is quoted in a node only where it is IPv6', () => {
    assert.equal(nodeOf('192.0.2.1'), '192.0.2.1');
    assert.equal(nodeOf('2001:db8::1'), '"[2001:db8::1]"');
  });
});

describe('trust', () => {
  it('is in the networks that were named, of either version', () => {
    const isTrusted = trustOf(['10.0.0.0/8', '2001:db8::/32']);
    for (const address of ['10.0.0.1', '10.255.255.255', '2001:db8::1']) assert.ok(isTrusted(address), address);
    for (const address of ['11.0.0.1', '2001:db9::1', '', 'unknown', '10.0.0.1:80']) assert.ok(!isTrusted(address));
  });

  it('is in nobody where no network was named', () => {
    assert.ok(!trustOf([])('127.0.0.1'));
  });
});
