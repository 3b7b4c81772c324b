/** What is this machine only is asked in three packages that may not import each other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopbackHost as byConfiguration } from '@sallyport/config';
import { isLoopbackHost as byAdminPort } from '@sallyport/telemetry';
import { isExcepted } from '../packages/protocol/src/proxy.ts';

const HERE = [
  '127.0.0.1',
  '127.255.0.9',
  '::1',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1',
  'localhost',
  'LocalHost',
  'localhost.',
  'x.localhost',
  'x.y.LOCALHOST.',
];
const ELSEWHERE = [
  '',
  '0.0.0.0',
  '::',
  '::2',
  '10.0.0.1',
  '127.1',
  'localhost.example.org',
  'notlocalhost',
  'localhost..',
];

test('the configuration, the admin port and the way to a server agree on what is loopback', () => {
  for (const [hosts, expected] of [
    [HERE, true],
    [ELSEWHERE, false],
  ] as const) {
    for (const host of hosts) {
      const found = [byConfiguration(host), byAdminPort(host), isExcepted(host, 12_001, '')];
      assert.deepEqual(found, [expected, expected, expected], host);
    }
  }
  // As a URL has it.
  assert.ok(byConfiguration('[::1]') && byAdminPort('[::1]'));
});
