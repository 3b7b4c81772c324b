import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isLoopbackAuthority, isLoopbackHost } from './loopback.ts';

test('127.0.0.0/8, ::1 and localhost are this machine', () => {
  const addresses = ['127.0.0.1', '127.9.9.9', '::1', '[::1]', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'];
  for (const host of [...addresses, 'localhost', 'LocalHost', 'a.localhost']) assert.ok(isLoopbackHost(host), host);
});

test('anything else is not, also where it looks like it', () => {
  const others = [
    '0.0.0.0',
    '::',
    '',
    '10.0.0.1',
    '127.0.0.1.evil.example',
    '127.1',
    'localhost.evil.example',
    '0127.0.0.1',
  ];
  for (const host of others) assert.ok(!isLoopbackHost(host), host);
});

test('no IPv4 address outside of 127.0.0.0/8 is loopback', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      assert.equal(isLoopbackHost(address), address.startsWith('127.'));
    }),
  );
});

test('the port of a Host header is left aside', () => {
  for (const host of ['127.0.0.1:80', 'localhost:12003', '[::1]:80', '[::1]', '127.0.0.1']) {
    assert.ok(isLoopbackAuthority(host), host);
  }
  for (const host of ['evil.example:80', '', '127.0.0.1.evil.example:80', '[::2]:80']) {
    assert.ok(!isLoopbackAuthority(host), host);
  }
});
