/** `sallyport load …`: load tests against any target. A file in `load/` for each. */
import type { Command } from 'commander';
import type { RunCommand } from './load/flags.ts';
import { addCapacity } from './load/capacity.ts';
import { addCompare } from './load/compare.ts';
import { addIsolate } from './load/isolate.ts';
import { addGate } from './load/gate.ts';
import { addOverhead } from './load/overhead.ts';
import { addRecord } from './load/record.ts';
import { addReport } from './load/report.ts';
import { addSoak } from './load/soak.ts';
import { addRamp, RAMP_EXAMPLES } from './load/ramp.ts';

export function addLoad(program: Command, run: RunCommand): void {
  const load = program
    .command('load')
    .description('load tests that say what the tunnel costs and whose fault slowness is')
    .addHelpText('after', RAMP_EXAMPLES);
  addRamp(load, run);
  addRecord(load, run);
  addOverhead(load, run);
  addGate(load, run);
  addCompare(load, run);
  addIsolate(load, run);
  addCapacity(load, run);
  addSoak(load, run);
  addReport(load, run);
}
