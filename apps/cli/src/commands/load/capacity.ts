/** `sallyport load capacity`: the highest rate that is carried. */
import type { Command } from 'commander';
import { loadCapacity } from '@sallyport/load-tests';
import { usageError } from '../../exit.ts';
import { numberOf } from './flag-values.ts';
import { addLoadFlags, runLoad } from './flags.ts';
import type { LoadFlags, RunCommand } from './flags.ts';

interface CapacityFlags extends LoadFlags {
  readonly from?: string;
  readonly to?: string;
  readonly factor?: string;
  readonly resolution?: string;
  readonly pause?: string;
  readonly slots?: string;
  readonly whatIf?: string;
}

const EXAMPLES = `
Rates rise until one is not carried, then the gap is halved until the two are within the resolution, then both are tried
again. Each try is a run of its own (--duration, 10 s) through the tunnel alone; with --direct the backend alone is tried
at the knee as well. --fail-if 'p99>50ms' finds the highest rate at which that does not hold. Without --from and --to the
rates are those of the profile (capacity). Ends with 0 with or without a knee, with 3 where the generator gave out first.

Examples:
  sallyport load capacity --target http://127.0.0.1:12000/session/demo/ --direct http://127.0.0.1:12007/
  sallyport load capacity --target … --from 100 --to 5000 --factor 1.5 --resolution 2 --duration 20
  sallyport load capacity --target … --admin http://127.0.0.1:12002 --what-if 20,40`;

export function addCapacity(load: Command, run: RunCommand): void {
  const command = load
    .command('capacity')
    .description('the highest rate that is carried, and what more slots would change');
  addLoadFlags(command)
    .option('--from <n>', 'the first rate, requests a second (125)')
    .option('--to <n>', 'the last one (8000)')
    .option('--factor <n>', 'between one rate and the next (2)')
    .option('--resolution <percent>', 'how near the carried and the refused rate are to be (5)')
    .option('--pause <s>', 'before each try, and until the target has settled (1)')
    .option('--slots <n>', 'slots of all clients together (default: as the server’s metrics say)')
    .option('--what-if <n,n>', 'other numbers of slots to ask a queueing model about (default: twice as many)')
    .addHelpText('after', EXAMPLES)
    .action((flags: CapacityFlags) =>
      run(async () => {
        const own = optionsOf(flags);
        return await runLoad(flags, (options) => loadCapacity({ ...options, ...own }));
      }),
    );
}

function optionsOf(flags: CapacityFlags) {
  return {
    from: numberOf('--from', flags.from),
    to: numberOf('--to', flags.to),
    factor: numberOf('--factor', flags.factor),
    resolutionPercent: numberOf('--resolution', flags.resolution),
    pauseS: numberOf('--pause', flags.pause),
    slots: numberOf('--slots', flags.slots),
    whatIfSlots: flags.whatIf === undefined ? undefined : listOf(flags.whatIf),
  };
}

function listOf(text: string): number[] {
  return text.split(',').map((each) => {
    const value = Number(each);
    if (each.trim() === '' || !Number.isInteger(value) || value < 1)
      throw usageError(`--what-if ${text} is not a list of slots`, 'for example --what-if 20,40');
    return value;
  });
}
