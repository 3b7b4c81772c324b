/** `sallyport load gate`: whether this tunnel has become slower. */
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { loadGate } from '@sallyport/load-tests';
import type { Exit } from '../../exit.ts';
import { runLoad } from './flags.ts';
import type { RunCommand } from './flags.ts';
import { addWindowFlags, windowsOf } from './overhead.ts';
import type { WindowFlags } from './overhead.ts';

const EXAMPLES = `
The candidate (--target) against the baseline, with the baseline against itself as control. Ends with 0 when it is not
slower than the margin (p50: 0.3 ms or 10 %, p99: 1 ms or 20 %), 99 when it is, and 3 when that cannot be told here.

Examples:
  sallyport load gate --baseline ../main-branch              this checkout against another; both are started
  sallyport load gate --target http://127.0.0.1:12000/session/demo/ --baseline http://127.0.0.1:13000/session/demo/
  sallyport load gate --target … --direct http://127.0.0.1:12007/ --baseline results/last-week/report.json`;

const LAUNCHER = fileURLToPath(new URL('../../../bin/sallyport.js', import.meta.url));
/** Takes the place of the target where the gate starts its own. */
const STARTED_LATER = 'http://127.0.0.1/';

interface GateFlags extends WindowFlags {
  readonly baseline: string;
}

export function addGate(load: Command, run: RunCommand): void {
  const command = load
    .command('gate')
    .description('pass, fail or inconclusive: is the tunnel slower than another one, or than it was')
    .requiredOption('--baseline <url|report|folder>', 'another tunnel, an earlier report.json, or another checkout');
  addWindowFlags(command)
    .addHelpText('after', EXAMPLES)
    .action((flags: GateFlags) => run(() => gate(flags)));
}

async function gate(flags: GateFlags): Promise<Exit> {
  const windows = windowsOf(flags);
  const target = flags.target ?? process.env['SALLYPORT_TARGET'];
  return await runLoad(
    { ...flags, target: target ?? STARTED_LATER },
    (options) => loadGate({ ...options, ...windows, target, baseline: flags.baseline, ownCommand: LAUNCHER }),
    target === undefined ? async () => {} : undefined,
  );
}
