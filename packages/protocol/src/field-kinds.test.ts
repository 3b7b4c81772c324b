import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FieldKind, isToken, kindOf, lowerName } from './field-kinds.ts';
import { TOKEN_CHARACTERS, token } from './testing/arbitraries.ts';
import { check } from './testing/check.ts';

const HIDDEN = ['content-length', 'transfer-encoding', 'x-forwarded-for', 'x-request-id', 'client-cert', 'x-real-ip'];
const ODD = TOKEN_CHARACTERS.filter((each) => !/[a-z0-9-]/i.test(each));

describe('the kind of a field', () => {
  it('is the same in any casing', (t) => {
    const names = fc.oneof(fc.constantFrom(...HIDDEN, 'host', 'te', 'via', 'x-forwarded-anything'), token);
    check(
      t,
      fc.property(names, (name) => {
        assert.equal(kindOf(name.toUpperCase()), kindOf(name.toLowerCase()));
      }),
    );
  });

  it('is a disguise where another character stands for the hyphen of a name that matters', (t) => {
    check(
      t,
      fc.property(fc.constantFrom(...HIDDEN), fc.constantFrom(...ODD), (name, odd) => {
        assert.equal(kindOf(name.replace('-', odd)), FieldKind.DISGUISE | FieldKind.HEAD_ONLY);
        assert.equal(kindOf(name.replaceAll('-', odd)), FieldKind.DISGUISE | FieldKind.HEAD_ONLY);
      }),
    );
  });

  it('is none for a name that we only pass on, whatever its characters', () => {
    for (const name of ['accept', 'my_field', 'X-Forward', 'content_type', 'x.y', 'set_cookie', 'grpc-status']) {
      assert.equal(kindOf(name), 0, name);
    }
  });

  it('is known of names beyond those that are remembered', () => {
    for (let i = 0; i < 5_000; i += 1) {
      assert.equal(kindOf(`x-name-${i}`), 0);
      assert.equal(kindOf(`x_forwarded_${i}`), FieldKind.DISGUISE | FieldKind.HEAD_ONLY);
    }
    assert.notEqual(kindOf('Host') & FieldKind.HOST, 0);
  });

  it('is looked up once for a name that comes again, however many a stranger has sent before', (t) => {
    for (let i = 0; i < 2_000; i += 1) kindOf(`x-filler-${i}`);
    kindOf('X-Late');
    const toLowerCase = t.mock.method(String.prototype, 'toLowerCase');
    const test = t.mock.method(RegExp.prototype, 'test');
    assert.deepEqual([kindOf('X-Late'), lowerName('X-Late'), isToken('X-Late')], [0, 'x-late', true]);
    assert.deepEqual([toLowerCase.mock.callCount(), test.mock.callCount()], [0, 0]);
  });
});
