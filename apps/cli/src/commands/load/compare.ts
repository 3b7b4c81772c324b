/** `sallyport load compare`: two runs beside each other. */
import type { Command } from 'commander';
import { loadCompare } from '@sallyport/load-tests';
import { usageError } from '../../exit.ts';
import type { Exit } from '../../exit.ts';
import { reported } from './flags.ts';
import type { RunCommand } from './flags.ts';

interface CompareFlags {
  readonly out?: string;
  readonly open?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Rate by rate, B less A: p50 and p99 of the steps, and of their seconds with an interval. Ends with 0 whatever the
differences are; what decides whether a tunnel has become slower is load gate.

Examples:
  sallyport load compare results/before results/after
  sallyport load compare before/tunnel.hdr after/tunnel.hdr --out results/compared`;

export function addCompare(load: Command, run: RunCommand): void {
  load
    .command('compare')
    .argument('<a>', 'a folder of results, its report.json, or a .hdr log')
    .argument('<b>', 'the same, to be held against it')
    .description('two runs step by step, with intervals from their seconds')
    .option('--out <dir>', 'writes the comparison as reports there (default: only shown)')
    .option('--open', 'shows the page in the browser; with --out')
    .option('--json', 'the comparison as one JSON line on standard output')
    .addHelpText('after', EXAMPLES)
    .action((a: string, b: string, flags: CompareFlags) => run(() => compare(a, b, flags)));
}

async function compare(a: string, b: string, flags: CompareFlags): Promise<Exit> {
  const { out, open: isOpening = false } = flags;
  if (isOpening && out === undefined) {
    throw usageError('--open has no page to show: without --out nothing is written', 'give --out DIR as well');
  }
  return await reported(flags, (writers) => loadCompare({ a, b, out, isOpening, ...writers }));
}
