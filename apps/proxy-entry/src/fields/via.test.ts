import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { headOf, lines } from '../testing/requests.ts';
import { passOn } from './head.ts';
import type { RequestHead } from './request-head.ts';
import { isLoop, writeVia } from './via.ts';

const OURS = '1.1 sallyport-local';

function passed(sent: readonly string[]): RequestHead {
  const head = headOf(sent);
  passOn(head);
  return head;
}

function written(sent: readonly string[], version: string): string[] {
  const head = passed(sent);
  writeVia(head, version);
  return lines(head.out);
}

function loops(...sent: string[]): boolean {
  return isLoop(passed(sent));
}

describe('Via', () => {
  it('names the version that we received', () => {
    for (const version of ['1.0', '1.1', '2']) {
      assert.deepEqual(written([], version), [`Via: ${version} sallyport-local`]);
    }
  });

  it('continues what is there, as one field', () => {
    assert.deepEqual(written(['Via', '1.0 first', 'vIA', '1.1 second (proxy)'], '1.0'), [
      'Via: 1.0 first, 1.1 second (proxy), 1.0 sallyport-local',
    ]);
  });

  it('with our own name in it is a loop', () => {
    for (const via of [
      OURS,
      `1.0 a,${OURS}`,
      `1.0 a ,\t1.0  sallyport-local (x)`,
      'HTTP/1.1 sallyport-local , 1.1 z',
    ]) {
      assert.ok(loops('Via', via), via);
    }
    assert.ok(loops('VIA', '1.1 a', 'via', OURS));
    assert.ok(loops('Via', `1.1 a (open, ${OURS}`));
  });

  it('with a name that only resembles ours is none', () => {
    for (const via of ['1.1 sallyport-local2', '1.1 sallyport', 'sallyport-local', '1.1 a (sallyport-local)']) {
      assert.ok(!loops('Via', via), via);
    }
  });

  it('has commas in its comments for what they are', () => {
    assert.ok(!loops('Via', `1.1 a (b, ${OURS}, (c, d) \\), e), 1.1 f`));
    assert.ok(!loops('Via', `1.1 a (${'x, '.repeat(20)})`));
  });

  it('with more than ten entries is taken for a loop, over several lines too', () => {
    assert.ok(!loops('Via', entries(10)));
    assert.ok(!loops('Via', `${entries(10)}, , ,`));
    assert.ok(loops('Via', entries(11)));
    assert.ok(loops('Via', entries(6), 'X', '1', 'via', entries(5)));
  });
});

function entries(count: number): string {
  return Array.from({ length: count }, (_, i) => `1.1 proxy-${i}`).join(', ');
}
