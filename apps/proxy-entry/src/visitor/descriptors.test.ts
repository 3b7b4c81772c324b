import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionLimit, FILES_OF_LINK, passingLimit } from './descriptors.ts';

test('connections leave open files for links, and a process with few is left half of them', () => {
  assert.equal(connectionLimit(10_000, 0, 20_000), 10_000);
  assert.equal(connectionLimit(10_000, 0, 1_024), 896);
  assert.equal(connectionLimit(10_000, 2_000, 20_000), 10_000);
  assert.equal(connectionLimit(20_000, 2_000, 20_000), 17_872);
  assert.equal(connectionLimit(10_000, 0, 200), 100);
  assert.equal(connectionLimit(10_000, 0, 1), 1);
  assert.equal(connectionLimit(10_000, 0, Number.POSITIVE_INFINITY), 10_000);
});

test('links that pass leave visitors half of the files, and both fit into what there are', () => {
  assert.equal(passingLimit(1_000, 20_000), 1_000);
  assert.equal(passingLimit(20_000, 20_000), 4_968);
  assert.equal(passingLimit(1_000, 256), 32);
  assert.equal(passingLimit(1_000, 1), 1);
  assert.equal(passingLimit(1_000, Number.POSITIVE_INFINITY), 1_000);
  for (const files of [256, 512, 1_024, 4_096, 20_000]) {
    const filesOfLinks = FILES_OF_LINK * passingLimit(20_000, files);
    const visitors = connectionLimit(20_000, filesOfLinks, files);
    assert.ok(filesOfLinks + visitors <= files - 64, String(files));
  }
});

test('what the system allows is known where it can be', () => {
  const limit = connectionLimit(Number.MAX_SAFE_INTEGER);
  assert.ok(limit >= 1 && (process.platform !== 'linux' || limit < Number.MAX_SAFE_INTEGER));
});
