/** The simulation finds faults that are planted on purpose. Prints how many schedules it took for each. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { MUTATIONS } from './list.ts';

const CHILD = new URL('child.ts', import.meta.url).pathname;
const MOST_SCHEDULES = 10_000;
/** Only so that it ends: how many schedules a busy machine plays a second says nothing of the fault. */
const MOST_SECONDS = 900;
const AT_ONCE = 2;

const run = promisify(execFile);

interface Result {
  readonly schedules: number;
  readonly found: string | null;
}

test('the simulation finds planted faults', { concurrency: AT_ONCE }, async (t) => {
  // The same every time, so that a fault that is rarely found is found or not by what the code says, not by chance.
  const seed = Number(process.env['SALLYPORT_SEED'] ?? 1);
  const table = new Map<string, Result>();
  const subtests = MUTATIONS.map(({ name }) =>
    t.test(name, async () => {
      const { stdout } = await run(process.execPath, [CHILD, name, `${seed}`, `${MOST_SCHEDULES}`, `${MOST_SECONDS}`]);
      const result = JSON.parse(stdout) as Result;
      table.set(name, result);
      assert.notEqual(result.found, null, `not found in ${result.schedules} schedules`);
    }),
  );
  await Promise.all(subtests);
  t.diagnostic(`seed ${seed}`);
  for (const { name } of MUTATIONS) t.diagnostic(row(name, table.get(name)));
});

const NAME_WIDTH = 60;
const SHOWN_CHARACTERS = 100;

function row(name: string, result: Result | undefined): string {
  const schedules = `${result?.schedules ?? '?'}`.padStart(6);
  return `${name.padEnd(NAME_WIDTH)} ${schedules}  ${(result?.found ?? 'not found').slice(0, SHOWN_CHARACTERS)}`;
}
