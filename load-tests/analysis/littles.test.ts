import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { auditBooks, inFlightOf } from './littles.ts';

describe('Little’s law', () => {
  test('gives the number in flight from rate and time', () => {
    assert.equal(inFlightOf(200, 50), 10);
  });

  test('finds books in balance within a tenth', () => {
    assert.deepEqual(auditBooks(10.625, 200, 50), {
      expected: 10,
      sampled: 10.625,
      apartShare: 0.0625,
      isBalanced: true,
    });
  });

  test('finds time that no latency has in it', () => {
    const audit = auditBooks(13, 200, 50);
    assert.equal(audit?.isBalanced, false);
    assert.ok(Math.abs((audit?.apartShare ?? 0) - 0.3) < 1e-9);
  });

  test('has nothing to say with next to nobody in flight', () => {
    assert.equal(auditBooks(0.3, 20, 1), null);
    assert.equal(auditBooks(4, 0, 0)?.isBalanced, false);
  });
});
