import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MergeBuffer } from './merge-buffer.ts';
import { check } from './testing/check.ts';

describe('bytes that wait', () => {
  it('come out as they went in, whatever the sizes of the pieces, and what was seen before does not change', (t) => {
    check(
      t,
      fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 40 }), (chunks) => {
        const buffer = new MergeBuffer();
        const seen: [Buffer, string][] = [];
        for (const chunk of chunks) {
          buffer.add(chunk);
          seen.push([buffer.view(), buffer.view().toString('hex')]);
        }
        for (const [view, hex] of seen) assert.equal(view.toString('hex'), hex);
        assert.equal(buffer.take().toString('hex'), Buffer.concat(chunks).toString('hex'));
        assert.equal(buffer.length, 0);
      }),
    );
  });
});
