/**
 * Loaded before all else (`--import`) into every process of a stack that is to have a fault: the source text of one
 * module is changed as it is loaded, so that the product needs no hooks for it. DESYNC_PLANT names the fault.
 */
import { plant } from '../../harness/plant.ts';
import { MUTATIONS } from './list.ts';

const name = process.env['DESYNC_PLANT'];
const mutation = MUTATIONS.find((each) => each.name === name);
if (mutation === undefined) throw new Error(`there is no mutation “${name}”`);
plant(mutation);
