import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeArm } from '../testing/plans.ts';
import { contentHash } from './content-hash.ts';

const A = 'http://127.0.0.1:1/session/demo/items?page=1';
const B = 'http://127.0.0.1:2/session/demo/items?page=1';
const hashOf = (url: string, ...changes: Parameters<typeof makeArm>[2][]): string =>
  contentHash([makeArm('tunnel', url, ...changes)]);
const body = (text: string) => ({ body: Buffer.from(text) });

test('two runs that send alike have one hash, wherever they send it and by whose leave', () => {
  const opened = { headers: ['accept', 'a/b', 'authorization', 'Bearer a.1'], body: Buffer.from('x') };
  const other = { headers: ['accept', 'a/b', 'authorization', 'Bearer b.2'], body: Buffer.from('x') };
  assert.match(hashOf(A, opened), /^[0-9a-f]{16}$/);
  assert.equal(hashOf(A, opened), hashOf(B, other));
});

test('a path, a query, a field, a body of the same length, an order: each makes another hash', () => {
  const hashes = [
    hashOf(A),
    hashOf(A.replace('items', 'posts')),
    hashOf(A.replace('page=1', 'page=2')),
    hashOf(A, { method: 'PUT' }),
    hashOf(A, { headers: ['accept', 'a/b'] }),
    hashOf(A, { body: { fillBytes: 4 } }),
    hashOf(A, body('abcd')),
    hashOf(A, body('abce')),
    hashOf(A, body('abcd'), body('abce')),
    hashOf(A, body('abce'), body('abcd')),
    contentHash([makeArm('tunnel', A), makeArm('direct', A)]),
  ];
  assert.equal(new Set(hashes).size, hashes.length);
});
