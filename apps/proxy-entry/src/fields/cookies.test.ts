import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { headOf, lines } from '../testing/requests.ts';
import { joinCrumbs } from './cookies.ts';
import { passOn } from './head.ts';

const SENT = ['a', '1', 'cookie', 'b=2', 'c', '3', 'cookie', 'd=4', 'cookie', 'e=5', 'f', '6'];

function joined(sent: readonly string[], httpVersion: string): string[] {
  const head = headOf(sent, { httpVersion });
  passOn(head);
  joinCrumbs(head);
  return lines(head.out);
}

describe('the crumbs of a cookie', () => {
  it('of HTTP/2 are put together where the first one stood', () => {
    assert.deepEqual(joined(SENT, '2'), ['a: 1', 'cookie: b=2; d=4; e=5', 'c: 3', 'f: 6']);
  });

  it('of HTTP/1.1 are none: lines stay as they came', () => {
    assert.deepEqual(joined(SENT, '1.1'), lines(SENT));
  });

  it('leave a head without them, or with one, as it is', () => {
    for (const sent of [['a', '1'], ['cookie', 'b=2', 'a', '1'], []]) assert.deepEqual(joined(sent, '2'), lines(sent));
  });

  it('never touch what comes before the fields', () => {
    const head = { ...headOf(['cookie', 'b=2', 'cookie', 'c=3'], { httpVersion: '2' }), out: ['COOKIE', '/'], from: 2 };
    passOn(head);
    joinCrumbs(head);
    assert.deepEqual(head.out, ['COOKIE', '/', 'cookie', 'b=2; c=3']);
  });
});
