import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ALL_SECTIONS, sampleReport } from '../report/testing/sample.ts';
import { readReport } from './read-report.ts';

const REPORT = { ...sampleReport(), sections: ALL_SECTIONS };

/** Every place in a value: the keys that lead there. */
function placesIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  // The first of a list stands for the others.
  const entries = Array.isArray(value) ? Object.entries(value).slice(0, 1) : Object.entries(value);
  return [path, ...entries.flatMap(([key, each]) => placesIn(each, [...path, key]))];
}

function withChanged(path: readonly string[], change: unknown): unknown {
  const copy = JSON.parse(JSON.stringify({ report: REPORT })) as Record<string, unknown>;
  let at = copy;
  const whole = ['report', ...path];
  for (const key of whole.slice(0, -1)) at = at[key] as Record<string, unknown>;
  at[whole.at(-1) as string] = change;
  return copy['report'];
}

describe('a report that is read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'read-'));
  const file = join(folder, 'report.json');
  const read = (value: unknown) => {
    writeFileSync(file, JSON.stringify(value));
    return readReport(folder);
  };
  test.after(() => rmSync(folder, { recursive: true }));

  test('is taken as it was written', () => {
    assert.deepEqual(read(REPORT), JSON.parse(JSON.stringify(REPORT)));
  });

  test('with a value of another kind anywhere is refused in one line, which names the place', () => {
    for (const path of placesIn(REPORT)) {
      // A list where there is none, and none where there is one.
      const original = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], REPORT);
      const change = Array.isArray(original) ? 'x' : ['x'];
      assert.throws(
        () => read(withChanged(path, change)),
        (error: Error & { exitCode: number }) =>
          error.exitCode === 2 && !error.message.includes('\n') && error.message.includes('is no report of the schema'),
        path.join('.'),
      );
    }
  });

  test('names what is wrong with it', () => {
    const broken = withChanged(['steps', '0', 'arms', 'tunnel', 'latencyMs', 'p99'], null);
    assert.throws(() => read(broken), { message: /\(steps\[0\]\.arms\.tunnel\.latencyMs\.p99 must be a number\)/ });
  });
});
