/** `sallyport load record`: what visitors really did, as a profile. */
import type { Command } from 'commander';
import { loadRecord } from '@sallyport/load-tests';
import { Exit } from '../../exit.ts';
import { createOutput } from '../../output.ts';
import { told } from './flags.ts';
import type { RunCommand } from './flags.ts';

const EXAMPLES = `
Kept are arrival times, methods, paths and body sizes; not bodies, fields, or the values in queries.

Examples:
  sallyport load record --access-log entry.log --out monday.yaml
  sallyport load ramp --target http://127.0.0.1:12000/session/demo/ --profile ./monday.yaml --speed 2`;

interface RecordFlags {
  readonly accessLog: string;
  readonly session?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export function addRecord(load: Command, run: RunCommand): void {
  load
    .command('record')
    .description("a profile of what visitors did, from the entry's access log")
    .requiredOption('--access-log <file>', "the entry's log, JSON lines")
    .option('--session <id>', 'only requests of this session (default: all, folded into one)')
    .option('--out <file>', 'where the profile goes (default: profile.yaml)')
    .option('--json', 'what was recorded as one JSON line on standard output')
    .addHelpText('after', EXAMPLES)
    .action((flags: RecordFlags) => run(() => record(flags)));
}

function record({ accessLog, session, out, json }: RecordFlags): Promise<Exit> {
  const output = createOutput(json === true);
  return told(async () => {
    const recorded = await loadRecord({ accessLog, session, out, stderr: process.stderr });
    const { file, requests, durationS } = recorded;
    output.result({ event: 'recorded', ...recorded }, `${requests} requests in ${durationS.toFixed(1)} s: ${file}`);
    return Exit.DONE;
  });
}
