/**
 * Plays schedules with one fault planted: `child.ts NAME SEED MOST_SCHEDULES MOST_SECONDS`. The source text of one
 * module is changed as it is loaded, so that the product needs no hooks for it. Prints one line of JSON.
 */
import { plant } from '../../harness/plant.ts';
import { MUTATIONS } from './list.ts';

const [name, seed, mostSchedules, mostSeconds] = process.argv.slice(2);
const mutation = MUTATIONS.find((each) => each.name === name);
if (mutation === undefined) throw new Error(`there is no mutation “${name}”`);
const isPlanted = plant(mutation);

// Only now, so that everything it imports goes through the hook.
const { play } = await import('../simulate.ts');
if (!isPlanted()) throw new Error(`${mutation.file} was never loaded`);
const { schedules, failure } = await play({
  seed: Number(seed),
  mostSchedules: Number(mostSchedules),
  forMs: Number(mostSeconds) * 1_000,
});
process.stdout.write(`${JSON.stringify({ schedules, found: failure?.error.message ?? null })}\n`);
