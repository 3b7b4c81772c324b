import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { TIMED_HOPS } from '../report/model.ts';
import { parseServerTiming } from './server-timing.ts';

const OURS =
  'entry;dur=0.120, uplink;dur=0.034, queue;dur=0.000, link;dur=0.210, slot;dur=0.001, client;dur=0.045, backend;dur=1.300, total;dur=1.710';
const VALUES = [0.12, 0.034, 0, 0.21, 0.001, 0.045, 1.3, 1.71];

function parse(field: string | string[] | undefined): number[] | null {
  const into = new Float64Array(TIMED_HOPS.length);
  return parseServerTiming(field, into) ? [...into] : null;
}

describe('the tunnel’s times', () => {
  test('are read in the order of the hops', () => {
    assert.deepEqual(parse(OURS), VALUES);
  });

  test('are read with any spaces around the commas, or none', () => {
    assert.deepEqual(parse(OURS.replaceAll(', ', ',')), VALUES);
    assert.deepEqual(parse(OURS.replaceAll(', ', ' \t, ')), VALUES);
  });

  test('are found among foreign entries, before and behind, in one line or several', () => {
    assert.deepEqual(parse(`db;dur=53.2, cache;desc="hit, or so", ${OURS}, app;dur=4`), VALUES);
    assert.deepEqual(parse(['db;dur=53.2', OURS, 'miss']), VALUES);
  });

  test('are not confused with a backend’s own entries of the same names', () => {
    assert.deepEqual(parse(['total;dur=99, backend;dur=7', OURS]), VALUES);
    assert.deepEqual(parse(`entry;dur=5, ${OURS}`), VALUES);
    assert.deepEqual(parse(`reentry;dur=5, ${OURS}`), VALUES);
    assert.equal(parse(`re${OURS}`), null);
  });

  test('of the outer tunnel win over those of a tunnel behind it', () => {
    const outer = OURS.replace('backend;dur=1.300, total;dur=1.710', 'backend;dur=5.000, total;dur=5.410');
    assert.equal(parse([OURS, outer])?.at(-1), 5.41);
    assert.equal(parse(`${outer}, ${OURS}`)?.at(-1), 5.41);
  });

  test('are refused when incomplete, out of order or not numbers', () => {
    assert.equal(parse(undefined), null);
    assert.equal(parse(''), null);
    assert.equal(parse('db;dur=1'), null);
    assert.equal(parse(OURS.replace(', total;dur=1.710', '')), null);
    assert.equal(parse(OURS.replace('queue', 'link')), null);
    assert.equal(parse(OURS.replace('0.034', '')), null);
    assert.equal(parse(OURS.replace('0.034', '.')), null);
    assert.equal(parse(OURS.replace('0.034', '1e3')), null);
    assert.equal(parse(OURS.replace('0.034', '-1')), null);
  });

  test('survive any foreign text around them', () => {
    const foreign = fc.string({ maxLength: 40 }).filter((text) => !text.includes('entry'));
    const times = fc.array(fc.integer({ min: 0, max: 10_000_000 }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(foreign, times, foreign, (before, us, after) => {
        const row = TIMED_HOPS.map((hop, index) => `${hop};dur=${((us[index] ?? 0) / 1000).toFixed(3)}`).join(', ');
        assert.deepEqual(
          parse([before, row, after]),
          us.map((value) => value / 1000),
        );
        assert.deepEqual(
          parse(`${before}, ${row}, ${after}`),
          us.map((value) => value / 1000),
        );
      }),
    );
  });
});
