import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsByName, joinedFields } from './fields.ts';

test('a field that is there twice has both values, or the list that they mean', () => {
  const flat = ['accept', 'a/b', 'x', '1', 'accept', 'c/d', 'accept', 'e/f'];
  assert.deepEqual(fieldsByName(flat), { accept: ['a/b', 'c/d', 'e/f'], x: '1' });
  assert.deepEqual(joinedFields(flat), { accept: 'a/b, c/d, e/f', x: '1' });
});
