/**
 * Loaded before all else (`--import`) into every process of a stack that is to have a fault: the source text of one
 * module is changed as it is loaded, so that the product needs no hooks for it. DESYNC_PLANT names the fault.
 */
import { registerHooks } from 'node:module';
import { MUTATIONS } from './list.ts';

const name = process.env['DESYNC_PLANT'];
const mutation = MUTATIONS.find((each) => each.name === name);
if (mutation === undefined) throw new Error(`there is no mutation “${name}”`);
const { file, find, replace } = mutation;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(file)) return loaded;
    const source = Buffer.from(loaded.source as Buffer).toString();
    const places = source.split(find).length - 1;
    if (places !== 1) throw new Error(`${file} has ${places} places that read ${JSON.stringify(find)}, not one`);
    return { ...loaded, source: source.replace(find, () => replace) };
  },
});
