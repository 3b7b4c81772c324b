/**
 * Entry, relay and client on a virtual clock and lines that delay, tear, stall and break, held against every promise
 * that the tunnel makes. SALLYPORT_SIM_SECONDS says for how long (60; 0: until Ctrl-C), SALLYPORT_SIM_SEED replays one
 * schedule.
 */
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { play } from './simulate.ts';
import type { PlayOptions } from './simulate.ts';

const DEFAULT_SECONDS = 60;

function options(): PlayOptions {
  const seed = process.env['SALLYPORT_SIM_SEED'];
  if (seed !== undefined) return { seed: Number(seed), mostSchedules: 1, forMs: Number.POSITIVE_INFINITY };
  const seconds = Number(process.env['SALLYPORT_SIM_SECONDS'] ?? DEFAULT_SECONDS);
  const drawn = Math.trunc(Math.random() * 2 ** 32);
  return {
    seed: drawn,
    mostSchedules: Number.POSITIVE_INFINITY,
    forMs: seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1_000,
    // Only who waits without end wants to see it go on.
    ...(seconds === 0
      ? { onProgress: (schedules) => process.stderr.write(`\rseed ${drawn}: ${schedules} schedules`) }
      : {}),
  };
}

test('whatever befalls the links, every request ends once, whole or visibly cut, and leaves nothing behind', async (t: TestContext) => {
  const chosen = options();
  const { schedules, requests, failure } = await play(chosen);
  t.diagnostic(`seed ${chosen.seed}: ${schedules} schedules, ${requests} requests`);
  if (failure === null) return;
  const how = `SALLYPORT_SIM_SEED=${failure.seed} replays it`;
  throw new Error(`${failure.error.message} (schedule ${schedules}; ${how})`, { cause: failure.error });
});
