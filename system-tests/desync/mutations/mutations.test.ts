/** The oracle finds faults that are planted on purpose. Prints how many cases it took for each. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { MUTATIONS } from './list.ts';
import type { Mutation } from './list.ts';

const RUN = new URL('../run.ts', import.meta.url).pathname;
const PLANT = new URL('plant.ts', import.meta.url).href;
/** Many times what the slowest to find takes here: a machine that is busy plays fewer cases a second. */
const MOST_SECONDS = 300;
const AT_ONCE = 2;

interface Result {
  readonly cases: number;
  readonly found: string | null;
}

test('the desync oracle finds planted faults', { concurrency: AT_ONCE }, async (t) => {
  // The same every time, so that a fault is found or not by what the code says, not by chance.
  const seed = Number(process.env['DESYNC_SEED'] ?? 1);
  const subtests = MUTATIONS.map((mutation) =>
    t.test(mutation.name, async (t) => {
      const { cases, found } = await play(t, mutation, seed);
      assert.notEqual(found, null, `not found in ${cases} cases`);
      t.diagnostic(`${cases} cases: ${found}`.slice(0, SHOWN_CHARACTERS));
    }),
  );
  await Promise.all(subtests);
});

const SHOWN_CHARACTERS = 200;

async function play(t: TestContext, { name, shape = 'up' }: Mutation, seed: number): Promise<Result> {
  const flags = ['--seconds', `${MOST_SECONDS}`, '--seed', `${seed}`, '--shape', shape, '--hasty'];
  const child = spawn(process.execPath, [RUN, ...flags], {
    env: { ...process.env, DESYNC_PLANT: name, NODE_OPTIONS: `--import ${PLANT}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill());
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await once(child, 'close');
  const last = out.trim().split('\n').at(-1) ?? '';
  assert.match(last, /^\{/, errors);
  return JSON.parse(last) as Result;
}
