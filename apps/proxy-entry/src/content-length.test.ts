import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { declaredLength } from './content-length.ts';

describe('the declared length of a body', () => {
  it('is that of Content-Length, in any casing', () => {
    assert.equal(declaredLength(['X', '1', 'content-LENGTH', '42']), 42);
    assert.equal(declaredLength(['Content-Length', '0']), 0);
    assert.equal(declaredLength(['Content-Length', '007']), 7);
  });

  it('may be said twice, if it is the same', () => {
    assert.equal(declaredLength(['Content-Length', '42', 'X', '1', 'content-length', '42']), 42);
  });

  it('is none without the field', () => {
    assert.equal(declaredLength([]), -1);
    assert.equal(declaredLength(['X-Content-Length', '42']), -1);
  });

  it('is malformed where it is no number, a list, beyond what counts exactly, or two that differ', () => {
    for (const value of ['', 'x', '-1', '+1', '1.5', '0x10', '1 ', '42, 42', '1e3', '9'.repeat(16)]) {
      assert.equal(declaredLength(['Content-Length', value]), null, value);
    }
    assert.equal(declaredLength(['Content-Length', '1', 'Content-Length', '2']), null);
    assert.equal(declaredLength(['Content-Length', '0', 'Content-Length', '2']), null);
  });
});
