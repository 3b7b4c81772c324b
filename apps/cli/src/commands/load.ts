/** `sallyport load …`: load tests against any target. A file in `load/` for each. */
import type { Command } from 'commander';
import type { RunCommand } from './load/flags.ts';
import { addRamp, RAMP_EXAMPLES } from './load/ramp.ts';

export function addLoad(program: Command, run: RunCommand): void {
  const load = program
    .command('load')
    .description('load tests that say what the tunnel costs and whose fault slowness is')
    .addHelpText('after', RAMP_EXAMPLES);
  addRamp(load, run);
}
