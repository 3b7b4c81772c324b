import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pair } from '../tls/pair.ts';
import { namesOf } from '../tls/names.ts';
import { backoffMs, isDue, retryAfterMs, stemFor } from './renewal.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 0, 1);

/** A certificate of `days`, of which so many are left. */
function pairOf(names: string, days: number, left: number): Pair {
  const notAfterMs = NOW_MS + left * DAY_MS;
  const [certificate, key] = ['', ''];
  return { stem: 'a', certificate, key, names: namesOf(names), notBeforeMs: notAfterMs - days * DAY_MS, notAfterMs };
}

function minutes(failures: number, random: number): number {
  return backoffMs(failures, random) / 60_000;
}

describe('a certificate is asked for', () => {
  it('where there is none that can be used, or it is for another name', () => {
    assert.ok(isDue(null, 'a.test', 30, NOW_MS));
    const rows: [names: string, name: string, isDue: boolean][] = [
      ['DNS:a.test', 'a.test', false],
      ['DNS:b.test', 'a.test', true],
      ['DNS:*.test', 'a.test', true],
      ['DNS:*.a.test', '*.a.test', false],
      ['DNS:a.test', '*.a.test', true],
    ];
    for (const [names, name, expected] of rows) {
      assert.equal(isDue(pairOf(names, 90, 89), name, 30, NOW_MS), expected, `${names} ${name}`);
    }
  });

  it('in its last days, in its last third where its life is short, and when it has expired', () => {
    const rows: [days: number, left: number, isDue: boolean][] = [
      [365, 31, false],
      [365, 30, true],
      [90, 31, false],
      [90, 30, true],
      [6, 3, false],
      [6, 2, true],
      [90, -1, true],
    ];
    for (const [days, left, expected] of rows) {
      assert.equal(isDue(pairOf('DNS:a.test', days, left), 'a.test', 30, NOW_MS), expected, `${left} of ${days}`);
    }
  });

  it('after failures twice as late each time, up to half a day, and never at the same moment everywhere', () => {
    assert.deepEqual([minutes(1, 0), minutes(1, 1), minutes(2, 1), minutes(4, 1)], [2.5, 5, 10, 40]);
    assert.deepEqual([minutes(9, 1), minutes(1_000_000, 1)], [720, 720]);
  });
});

describe('a Retry-After', () => {
  it('is read as seconds or as a date, and no longer than a week', () => {
    const rows: [field: string | undefined, waitMs: number][] = [
      [undefined, 0],
      ['120', 120_000],
      ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
      ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
      ['999999999', 7 * DAY_MS],
      ['soon', 0],
      ['-5', 0],
    ];
    for (const [field, waitMs] of rows) assert.equal(retryAfterMs(field, NOW_MS), waitMs, String(field));
  });
});

describe('the files of a certificate', () => {
  it('are named after its name, a wildcard with _ for *', () => {
    assert.deepEqual([stemFor('a.test'), stemFor('*.a.test')], ['acme-a.test', 'acme-_.a.test']);
  });
});
