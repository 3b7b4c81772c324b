import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, LabelledCounter, MAX_LABEL_VALUES } from './counter.ts';
import { StatusCounts } from './status-counts.ts';

test('a counter never falls, whatever it is given', () => {
  const counter = new Counter();
  counter.inc();
  for (const wrong of [-1, 0, Number.NaN, Infinity]) counter.inc(wrong);
  assert.equal(counter.value, 1);
});

test('label values beyond the cap count as other, and those before it go on', () => {
  const counter = new LabelledCounter();
  for (let i = 0; i < MAX_LABEL_VALUES + 50; i++) counter.inc(`v${i}`);
  counter.inc('v0');
  assert.equal(counter.get('v0'), 2);
  assert.equal(counter.get('other'), 50);
  assert.equal([...counter.entries()].length, MAX_LABEL_VALUES + 1);
});

test('known label values are there at 0', () => {
  assert.deepEqual(
    [...new LabelledCounter(['a', 'b']).entries()],
    [
      ['a', 0],
      ['b', 0],
    ],
  );
});

test('registered status codes keep their number, others fall into their class, nonsense is other', () => {
  const counts = new StatusCounts();
  for (const status of [200, 200, 503, 299, 277, 599, 0, 99, 600, 1000, -1, Number.NaN, 200.5]) counts.count(status);
  assert.deepEqual(
    counts.entries(),
    new Map([
      ['other', 6],
      ['200', 3],
      ['2xx', 2],
      ['503', 1],
      ['5xx', 1],
    ]),
  );
});
