/** `sallyport load report`: runs that were done before, written again or merged. */
import type { Command } from 'commander';
import { loadReport } from '@sallyport/load-tests';
import { PNG_HELP, reported } from './flags.ts';
import type { RunCommand } from './flags.ts';

interface ReportFlags {
  readonly out?: string;
  readonly png?: boolean;
  readonly open?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
One folder (or its report.json): all forms of its report again, beside it. Several: taken for one run whose load several
generators shared (--shard 1/4 … 4/4); counts are added, response times merged from their .hdr logs (k6: from the
percentiles in report.json), and the verdict is that of the whole.

Examples:
  sallyport load report results/2026-03-01T12-00-00-123
  sallyport load report machine-1/ machine-2/ machine-3/ machine-4/ --out results/merged`;

export function addReport(load: Command, run: RunCommand): void {
  load
    .command('report')
    .argument('<files...>', 'folders of results, or report.json files, with their .hdr logs beside them')
    .description('reads reports again; several generators’ are merged into one')
    .option('--out <dir>', 'where the reports go (default: one beside its files, several to results/<time>)')
    .option('--png', PNG_HELP)
    .option('--open', 'shows the page in the browser')
    .option('--json', 'the report as one JSON line on standard output')
    .addHelpText('after', EXAMPLES)
    .action((files: string[], flags: ReportFlags) =>
      run(() =>
        reported(flags, (writers) =>
          loadReport({ files, out: flags.out, png: flags.png, isOpening: flags.open, ...writers }),
        ),
      ),
    );
}
