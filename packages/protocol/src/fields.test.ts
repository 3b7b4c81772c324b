import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fieldsAreValid, isTarget, isToken } from './fields.ts';
import { fields, target, token, TOKEN_CHARACTERS } from './testing/arbitraries.ts';
import { check } from './testing/check.ts';

const allBytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
const withValue = (value: string): boolean => fieldsAreValid(['name', value], 0);

describe('fields', () => {
  it('take as a token what RFC 9110 calls one, character by character', () => {
    const allowed = new Set(TOKEN_CHARACTERS);
    for (const each of allBytes) assert.equal(isToken(`a${each}b`), allowed.has(each), JSON.stringify(each));
    assert.ok(!isToken(''));
  });

  it('refuse a name that looks like a known one with a line end behind it', () => {
    assert.ok(isToken('accept'));
    assert.ok(!isToken('accept\n'));
    assert.ok(!isToken('accept\r'));
  });

  it('refuse control characters in a value, CR, LF and NUL among them, but no tab', () => {
    for (const each of allBytes) {
      const code = each.charCodeAt(0);
      const isControl = (code < 0x20 && code !== 0x09) || code === 0x7f;
      assert.equal(withValue(`a${each}b`), !isControl, JSON.stringify(each));
    }
  });

  it('refuse space and tab around a value, and take an empty one', () => {
    for (const value of [' a', 'a ', '\ta', 'a\t', ' ', '\t']) assert.ok(!withValue(value), JSON.stringify(value));
    assert.ok(withValue(''));
    assert.ok(withValue('a \t b'));
  });

  it('refuse a CR or LF at the very end of a value or target', () => {
    for (const end of ['\n', '\r', '\r\n', '\0']) {
      assert.ok(!withValue(`a${end}`));
      assert.ok(!isTarget(`/${end}`));
    }
  });

  it('refuse a name without a value', () => {
    assert.ok(!fieldsAreValid(['a'], 0));
    assert.ok(!fieldsAreValid(['skipped', 'a', 'b', 'c'], 1));
    assert.ok(fieldsAreValid(['skipped', 'a', 'b'], 1));
    assert.ok(fieldsAreValid([], 0));
  });

  it('take as a target visible ASCII and bytes over 0x7F, but no fragment and no backslash', () => {
    for (const each of allBytes) {
      const code = each.charCodeAt(0);
      const isAllowed = code > 0x20 && code !== 0x7f && each !== '#' && each !== '\\';
      assert.equal(isTarget(`/${each}`), isAllowed, JSON.stringify(each));
    }
    assert.ok(!isTarget(''));
  });

  it('take whatever HTTP allows', (t) => {
    const property = fc.property(token, target, fields, (method, path, pairs) => {
      assert.ok(isToken(method) && isTarget(path) && fieldsAreValid(pairs, 0));
    });
    check(t, property);
  });

  it('find one bad byte wherever it is', (t) => {
    const bad = fc.constantFrom('\r', '\n', '\0', '\r\n');
    const property = fc.property(fields, bad, fc.nat(), fc.nat(), (pairs, badText, which, where) => {
      const strings = [...pairs, 'name', 'value'];
      const at = which % strings.length;
      const text = strings[at]!;
      const cut = where % (text.length + 1);
      strings[at] = text.slice(0, cut) + badText + text.slice(cut);
      assert.ok(!fieldsAreValid(strings, 0));
    });
    check(t, property);
  });

  it('never remember a name that was not valid', () => {
    for (let i = 0; i < 3; i += 1) assert.ok(!isToken('bad name'));
    for (let i = 0; i < 2_000; i += 1) assert.ok(isToken(`x-filler-${i}`));
    assert.ok(!isToken('bad name'));
  });
});
