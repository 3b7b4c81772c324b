/** `sallyport load overhead`: what the tunnel costs. */
import type { Command } from 'commander';
import { loadOverhead, loadTls } from '@sallyport/load-tests';
import type { WindowOptions } from '@sallyport/load-tests';
import type { Exit } from '../../exit.ts';
import { numberOf } from './flag-values.ts';
import { addLoadFlags, runLoad } from './flags.ts';
import type { LoadFlags, RunCommand } from './flags.ts';

const EXAMPLES = `
Tunnel and backend are asked in turn, request by request, at one rate (--rate, default 200). Ends with 0, or with 3
where the generator or the answers were not fit for a figure.

Examples:
  sallyport load overhead --target http://127.0.0.1:12000/session/demo/ --direct http://127.0.0.1:12007/
  sallyport load overhead --target … --direct … --rate 500 --windows 40 --fail-if 'added>1ms'
  sallyport load overhead --target https://localhost:12006/session/demo/ --ca ca.pem --tls on,resumed`;

export interface WindowFlags extends LoadFlags {
  readonly windows?: string;
  readonly window?: string;
}

interface OverheadFlags extends WindowFlags {
  readonly tls?: string;
  readonly plain?: string;
}

export function addWindowFlags(command: Command): Command {
  return addLoadFlags(command)
    .option('--windows <n>', 'windows to take: 6 to 100 (default: 20)')
    .option('--window <s>', 'length of each (default: 3)');
}

export function windowsOf(flags: WindowFlags): Pick<WindowOptions, 'windows' | 'windowS'> {
  return { windows: numberOf('--windows', flags.windows), windowS: numberOf('--window', flags.window) };
}

export function addOverhead(load: Command, run: RunCommand): void {
  const command = load
    .command('overhead')
    .description('what the tunnel costs: added milliseconds with their intervals, hop by hop, and CPU per request');
  addWindowFlags(command)
    .option('--tls <modes>', 'instead, what TLS costs: off,on,mtls,resumed or some, in blocks A-B-B-A')
    .option('--plain <url>', 'the target without TLS, for mode off')
    .addHelpText('after', EXAMPLES)
    .action((flags: OverheadFlags) => run(() => overhead(flags)));
}

async function overhead(flags: OverheadFlags): Promise<Exit> {
  const windows = windowsOf(flags);
  const { tls: modes, plain } = flags;
  return await runLoad(flags, (options) => {
    const asked = { ...options, ...windows };
    return modes === undefined ? loadOverhead(asked) : loadTls({ ...asked, modes, plain });
  });
}
