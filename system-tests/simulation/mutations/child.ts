/**
 * Plays schedules with one fault planted: `child.ts NAME SEED MOST_SCHEDULES MOST_SECONDS`. The source text of one
 * module is changed as it is loaded, so that the product needs no hooks for it. Prints one line of JSON.
 */
import { registerHooks } from 'node:module';
import { MUTATIONS } from './list.ts';

const [name, seed, mostSchedules, mostSeconds] = process.argv.slice(2);
const mutation = MUTATIONS.find((each) => each.name === name);
if (mutation === undefined) throw new Error(`there is no mutation “${name}”`);
const { file, find, replace } = mutation;
let isPlanted = false;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(file)) return loaded;
    const source = Buffer.from(loaded.source as Buffer).toString();
    const places = source.split(find).length - 1;
    if (places !== 1) throw new Error(`${file} has ${places} places that read ${JSON.stringify(find)}, not one`);
    isPlanted = true;
    return { ...loaded, source: source.replace(find, () => replace) };
  },
});

// Only now, so that everything it imports goes through the hook.
const { play } = await import('../simulate.ts');
if (!isPlanted) throw new Error(`${file} was never loaded`);
const { schedules, failure } = await play({
  seed: Number(seed),
  mostSchedules: Number(mostSchedules),
  forMs: Number(mostSeconds) * 1_000,
});
process.stdout.write(`${JSON.stringify({ schedules, found: failure?.error.message ?? null })}\n`);
