import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseBearer } from './bearer.ts';
import { newId, newSecret } from './secrets.ts';

describe('parseBearer', () => {
  it('reads back any id and secret of ours', () => {
    for (let round = 0; round < 100; round++) {
      const made = { id: newId(), secret: newSecret() };
      assert.deepEqual(parseBearer(`Bearer ${made.id}.${made.secret}`), made);
    }
  });

  it('cuts at the first dot and takes the scheme in any case', () => {
    assert.deepEqual(parseBearer('bEARER  a.b.c=='), { id: 'a', secret: 'b.c==' });
  });

  it('refuses everything else', () => {
    const bad = [
      '',
      'Bearer',
      'Bearer ',
      'Bearer a',
      'Bearer a.',
      'Bearer .b',
      'Bearer a.b c',
      'Bearer a.b\n',
      ' Bearer a.b',
      'Basic a.b',
      'Bearera.b',
      'Bearer a.b, Bearer c.d',
      'Bearer é.b',
      'Bearer a.é',
    ];
    for (const header of [undefined, ...bad]) assert.equal(parseBearer(header), null, String(header));
  });

  it('refuses what is too long', () => {
    assert.notEqual(parseBearer(`Bearer ${'a'.repeat(64)}.${'b'.repeat(256)}`), null);
    for (const [id, secret] of [
      [65, 1],
      [1, 257],
      [1, 1_000_000],
    ]) {
      assert.equal(parseBearer(`Bearer ${'a'.repeat(id!)}.${'b'.repeat(secret!)}`), null);
    }
  });

  it('gives ids and secrets within their limits for any header', () => {
    const header = fc
      .tuple(fc.constantFrom('Bearer ', 'bearer  ', ''), fc.string({ maxLength: 400 }))
      .map(([scheme, rest]) => scheme + rest);
    fc.assert(
      fc.property(header, (text) => {
        const read = parseBearer(text);
        assert.ok(read === null || (/^[\w-]{1,64}$/.test(read.id) && /^[\w.~+/=-]{1,256}$/.test(read.secret)));
      }),
    );
  });
});
