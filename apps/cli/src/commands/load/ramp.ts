/** `sallyport load ramp`: the rates of a profile, one after the other. */
import type { Command } from 'commander';
import { loadRamp } from '@sallyport/load-tests';
import { addLoadFlags, runLoad } from './flags.ts';
import type { LoadFlags, RunCommand } from './flags.ts';

export const RAMP_EXAMPLES = `
Examples:
  sallyport load ramp --target http://127.0.0.1:12000/session/demo/ --direct http://127.0.0.1:12007/
  sallyport load ramp --target … --rate 200 --duration 30 --fail-if 'p99>50ms' --fail-if 'failed>0'
  sallyport load ramp --target … --profile aggressive --engine k6
  sallyport load ramp --target https://tunnel.example.com/session/demo/ --yes-i-run-this-target \\
    --credentials keys.txt --profile gentle
  sallyport load ramp --target https://127.0.0.1:12006/session/demo/ --ca ca.pem --cert me.pem --key me.key --http2
  sallyport load ramp --target … --targets requests.txt --rate 100 --duration 60
  sallyport load ramp --target … --rate 8000 --duration 30 --shard 2/4`;

export function addRamp(load: Command, run: RunCommand): void {
  const command = load
    .command('ramp')
    .description('rising rates, through the tunnel and directly, request by request in turn');
  addLoadFlags(command)
    .addHelpText('after', RAMP_EXAMPLES)
    .action((flags: LoadFlags) => run(() => runLoad(flags, loadRamp)));
}
