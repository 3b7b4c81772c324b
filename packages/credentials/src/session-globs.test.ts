import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isSessionGlob, sessionAllowed } from './session-globs.ts';

const letters = ['a', 'b', '-', '1'];
const sessionId = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 20 });
const glob = fc.string({ unit: fc.constantFrom(...letters, '*'), minLength: 1, maxLength: 12 });

/** The same question in another way: the pieces between stars, first and last anchored, in order and without overlap. */
function insidePattern(pattern: string, text: string): boolean {
  const pieces = pattern.split('*');
  if (pieces.length === 1) return pattern === text;
  const [first, last] = [pieces.shift()!, pieces.pop()!];
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let rest = text.slice(first.length, text.length - last.length);
  for (const piece of pieces) {
    const at = rest.indexOf(piece);
    if (at === -1) return false;
    rest = rest.slice(at + piece.length);
  }
  return true;
}

describe('sessionAllowed', () => {
  it('matches exactly what the pattern allows, and nothing outside of it', () => {
    fc.assert(
      fc.property(fc.array(glob, { maxLength: 3 }), sessionId, (globs, id) => {
        assert.equal(
          sessionAllowed(globs, id),
          globs.some((pattern) => insidePattern(pattern, id)),
        );
      }),
      { numRuns: 5000 },
    );
  });

  it('matches whatever is put in place of the stars', () => {
    fc.assert(
      fc.property(glob, fc.array(sessionId, { minLength: 12, maxLength: 12 }), (pattern, fillings) => {
        let next = 0;
        const id = pattern.replaceAll('*', () => fillings[next++ % 12]!.slice(0, 4));
        assert.ok(sessionAllowed([pattern], id), `${pattern} ${id}`);
      }),
    );
  });

  it('never matches what is not shaped like a session id, whatever the glob', () => {
    const strange = fc.string({ unit: 'binary', maxLength: 80 }).filter((text) => !/^[A-Za-z0-9-]{1,63}$/.test(text));
    fc.assert(fc.property(strange, (text) => assert.ok(!sessionAllowed(['*', text], text))));
    for (const text of ['', '../x', 'a/b', 'a.b', 'demo\n', '*', 'a'.repeat(64)])
      assert.ok(!sessionAllowed(['*', text], text), text);
  });

  it('allows nothing without globs', () => {
    assert.ok(!sessionAllowed([], 'demo'));
  });

  it('ends soon on a glob made to backtrack', () => {
    assert.ok(!sessionAllowed([`${'a*'.repeat(31)}b`], 'a'.repeat(63)));
  });
});

describe('isSessionGlob', () => {
  it('takes the letters of session ids and stars', () => {
    for (const good of ['demo', 'team-*', '*', '123E4567-e89b-12d3-a456-426614174000'])
      assert.ok(isSessionGlob(good), good);
    for (const bad of ['', 'a,b', 'a b', '[ab]', 'a?', 'a.b', 'a'.repeat(64), 'a\n'])
      assert.ok(!isSessionGlob(bad), bad);
  });
});
