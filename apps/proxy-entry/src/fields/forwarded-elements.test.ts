import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { latin1 } from '../../../../packages/protocol/src/testing/arbitraries.ts';
import { check } from '../../../../packages/protocol/src/testing/check.ts';
import { forwardedElements } from './forwarded-elements.ts';

function read(text: string): Record<string, string>[] | null {
  return forwardedElements(text)?.map(({ parameters }) => Object.fromEntries(parameters)) ?? null;
}

describe('Forwarded', () => {
  it('is read as RFC 7239 shows it', () => {
    assert.deepEqual(read('for="_gazonk"'), [{ for: '_gazonk' }]);
    assert.deepEqual(read('For="[2001:db8:cafe::17]:4711"'), [{ for: '[2001:db8:cafe::17]:4711' }]);
    assert.deepEqual(read('for=192.0.2.60;proto=http;by=203.0.113.43'), [
      { for: '192.0.2.60', proto: 'http', by: '203.0.113.43' },
    ]);
    assert.deepEqual(read('for=192.0.2.43, for=198.51.100.17'), [{ for: '192.0.2.43' }, { for: '198.51.100.17' }]);
    assert.deepEqual(read('for=192.0.2.43,for="[2001:db8:cafe::17]",for=unknown'), [
      { for: '192.0.2.43' },
      { for: '[2001:db8:cafe::17]' },
      { for: 'unknown' },
    ]);
  });

  it('keeps each element as it came', () => {
    const elements = forwardedElements('for=1.1.1.1 ;proto="https",  For=2.2.2.2')!;
    assert.deepEqual(
      elements.map(({ text }) => text),
      ['for=1.1.1.1 ;proto="https"', 'For=2.2.2.2'],
    );
  });

  it('has separators in quoted strings for what they are', () => {
    assert.deepEqual(read('for="a,b;c=\\"d";host=x, for=y'), [{ for: 'a,b;c="d', host: 'x' }, { for: 'y' }]);
  });

  it('is malformed as a whole where any of it is', () => {
    for (const text of [
      'for',
      'for=',
      'for=a b',
      'for="a',
      'for="a"b',
      '=a',
      'for=a;for=b',
      'for=[::1]',
      'for=1.1.1.1:80',
    ]) {
      assert.equal(read(text), null, text);
      assert.equal(read(`for=x, ${text}`), null, text);
    }
  });

  it('cannot be opened by a stranger so that it swallows what a proxy adds', () => {
    const added = ['for=192.0.2.1', 'for="[2001:db8::1]:80"', 'for=192.0.2.1;host="a.example";proto=https'];
    for (const claim of ['for="', 'for=6.6.6.6;x="', 'for="\\', 'for=6.6.6.6;host="a;proto=']) {
      for (const ours of added) {
        const elements = read(`${claim}, ${ours}`);
        assert.equal(elements, null, `${claim}, ${ours}`);
      }
    }
  });

  it('is read up to a hundred elements, and not at all beyond', () => {
    assert.equal(read('for=a,'.repeat(99) + 'for=a')?.length, 100);
    assert.equal(read('for=a,'.repeat(100) + 'for=a'), null);
  });

  it('may be empty, and may have empty elements', () => {
    assert.deepEqual(read(''), []);
    assert.deepEqual(read(' , ;, for=a; ,'), [{ for: 'a' }]);
  });

  it('is read to its end, whatever it is', (t) => {
    check(
      t,
      fc.property(latin1, latin1, (one, two) => {
        const whole = forwardedElements(`${one},${two}`);
        if (whole !== null) assert.ok(whole.every(({ parameters }) => parameters.size > 0));
      }),
    );
  });
});
