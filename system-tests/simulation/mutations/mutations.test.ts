/** The simulation finds faults that are planted on purpose: a table of how many schedules each took. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { MUTATIONS } from './list.ts';

const CHILD = new URL('child.ts', import.meta.url).pathname;
const MOST_SCHEDULES = 5_000;
const MOST_SECONDS = 60;
const AT_ONCE = 2;

const run = promisify(execFile);

interface Result {
  readonly schedules: number;
  readonly found: string | null;
}

describe('planted faults', { concurrency: AT_ONCE }, () => {
  const seed = Number(process.env['SALLYPORT_SEED'] ?? Math.trunc(Math.random() * 2 ** 32));
  for (const { name } of MUTATIONS) {
    it(`are found: ${name}`, async (t) => {
      const { stdout } = await run(process.execPath, [CHILD, name, `${seed}`, `${MOST_SCHEDULES}`, `${MOST_SECONDS}`]);
      const { schedules, found } = JSON.parse(stdout) as Result;
      t.diagnostic(`seed ${seed}: ${schedules} schedules: ${found ?? 'not found'}`);
      assert.notEqual(found, null, `not found in ${schedules} schedules`);
    });
  }
});
