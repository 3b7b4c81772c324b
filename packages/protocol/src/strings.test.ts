import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readTable, tableBytes, writeTable } from './strings.ts';
import { fieldValue, latin1 } from './testing/arbitraries.ts';
import { check } from './testing/check.ts';
import { rawTable } from './testing/frames.ts';

const ROOM = { strings: 100, textBytes: 10_000 };

/** RFC 9110 §5.5: all of them but HTAB. */
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

function read(bytes: Buffer, strings = ROOM.strings, textBytes = ROOM.textBytes): string[] | 'bad-head' | null {
  return readTable(bytes, 0, bytes.length, strings, textBytes);
}

describe('string tables', () => {
  it('come back as they went, and are called bad where a control character is in them', (t) => {
    const texts = fc.array(fc.oneof(fieldValue, latin1), { maxLength: 30 });
    const property = fc.property(texts, fc.nat(20), (strings, at) => {
      const target = Buffer.alloc(at + tableBytes(strings) + 5);
      const end = writeTable(target, at, strings);
      assert.equal(end, at + tableBytes(strings));
      assert.deepEqual(target.subarray(at, end), rawTable(...strings));
      const expected = CONTROL.test(strings.join('')) ? 'bad-head' : strings;
      assert.deepEqual(readTable(target, at, end, ROOM.strings, ROOM.textBytes), expected);
    });
    check(t, property);
  });

  it('must fill their frame: one byte more or less is refused', (t) => {
    const property = fc.property(fc.array(latin1, { maxLength: 10 }), (strings) => {
      const bytes = rawTable(...strings);
      assert.equal(read(Buffer.concat([bytes, Buffer.from('x')])), null);
      assert.equal(read(bytes.subarray(0, -1)), null);
    });
    check(t, property);
  });

  it('are refused when cut anywhere', () => {
    const bytes = rawTable('GET', '/', 'a', 'b');
    for (let length = 0; length < bytes.length; length += 1) assert.equal(read(bytes.subarray(0, length)), null);
  });

  it('are refused beyond the most strings and the most text', () => {
    assert.deepEqual(read(rawTable('a', 'bc'), 2, 3), ['a', 'bc']);
    assert.equal(read(rawTable('a', 'bc'), 1, 3), null);
    assert.equal(read(rawTable('a', 'bc'), 2, 2), null);
  });

  it('never throw, whatever the bytes', (t) => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const strings = read(Buffer.from(bytes));
      if (Array.isArray(strings)) assert.deepEqual(rawTable(...strings), Buffer.from(bytes));
    });
    check(t, property, 2_000);
  });
});
