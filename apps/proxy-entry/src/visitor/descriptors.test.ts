import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionLimit } from './descriptors.ts';

test('connections leave open files for links, and a process with few is left half of them', () => {
  assert.equal(connectionLimit(10_000, 0, 20_000), 10_000);
  assert.equal(connectionLimit(10_000, 0, 1_024), 896);
  assert.equal(connectionLimit(10_000, 2_000, 20_000), 10_000);
  assert.equal(connectionLimit(20_000, 2_000, 20_000), 17_872);
  assert.equal(connectionLimit(10_000, 0, 200), 100);
  assert.equal(connectionLimit(10_000, 0, 1), 1);
  assert.equal(connectionLimit(10_000, 0, Number.POSITIVE_INFINITY), 10_000);
});

test('what the system allows is known where it can be', () => {
  const limit = connectionLimit(Number.MAX_SAFE_INTEGER);
  assert.ok(limit >= 1 && (process.platform !== 'linux' || limit < Number.MAX_SAFE_INTEGER));
});
