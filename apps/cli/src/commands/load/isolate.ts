/** `sallyport load isolate`: whose fault it is, in one run. */
import type { Command } from 'commander';
import { loadIsolate } from '@sallyport/load-tests';
import { addLoadFlags, runLoad } from './flags.ts';
import type { LoadFlags, RunCommand } from './flags.ts';

const EXAMPLES = `
Rates rise through the tunnel and at the backend itself, request by request in turn. Ends with 0 whatever the verdict,
and with 3 where there is none: the machine or the generator was not fit, or too little was measured.

Examples:
  sallyport load isolate --target http://127.0.0.1:12000/session/demo/ --direct http://127.0.0.1:12007/
  sallyport load isolate --target http://127.0.0.1:12000/session/demo/get --direct http://127.0.0.1:12005/get
  sallyport load isolate --target … --direct … --admin http://127.0.0.1:12002 --admin http://127.0.0.1:12003`;

export function addIsolate(load: Command, run: RunCommand): void {
  const command = load
    .command('isolate')
    .description('whose fault it is: the generator, the backend, the tunnel (and which part of it), or nobody’s');
  addLoadFlags(command)
    .addHelpText('after', EXAMPLES)
    .action((flags: LoadFlags) => run(() => runLoad(flags, loadIsolate)));
}
