/** `sallyport load soak`: does it last? */
import type { Command } from 'commander';
import { loadSoak } from '@sallyport/load-tests';
import { numberOf } from './flag-values.ts';
import { addLoadFlags, runLoad } from './flags.ts';
import type { LoadFlags, RunCommand } from './flags.ts';

interface SoakFlags extends LoadFlags {
  readonly sample?: string;
}

const EXAMPLES = `
One rate for a long time (the profile soak: 200 requests/s for an hour; --duration alone shortens it). Latency, and of each
part whose metrics can be read memory, heap, descriptors and event-loop delay, with slopes; the first fifth of the run is
warm-up. Ends with 99 where one of them rises by what matters, with 0 where none does, and with 3 where it was too short or
too noisy to tell.

Examples:
  sallyport load soak --target http://127.0.0.1:12000/session/demo/ --duration 1800
  sallyport load soak --target … --rate 500 --duration 7200 --admin http://127.0.0.1:12002 --admin http://127.0.0.1:12003`;

export function addSoak(load: Command, run: RunCommand): void {
  const command = load.command('soak').description('one rate for a long time: does anything rise that should not?');
  addLoadFlags(command)
    .option('--sample <s>', 'how often the parts are looked at (5)')
    .addHelpText('after', EXAMPLES)
    .action((flags: SoakFlags) =>
      run(async () => {
        const sampleS = numberOf('--sample', flags.sample);
        return await runLoad(flags, (options) => loadSoak({ ...options, sampleS }));
      }),
    );
}
