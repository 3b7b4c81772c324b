import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stillHolds } from './replacement.ts';

describe('what was found of files', () => {
  it('holds until they change', () => {
    for (const wrong of [null, { why: 'it is no certificate', againAtMs: Infinity }]) {
      assert.ok(stillHolds({ fingerprint: 'one', wrong }, 'one', 1_000));
      assert.ok(!stillHolds({ fingerprint: 'one', wrong }, 'other', 1_000));
    }
  });

  it('holds until the certificate is good, where it is not yet', () => {
    const found = { fingerprint: 'one', wrong: { why: 'it is good from 2 s on', againAtMs: 2_000 } };
    assert.ok(stillHolds(found, 'one', 1_999));
    assert.ok(!stillHolds(found, 'one', 2_000));
  });
});
