import { dirname } from 'node:path';
import { openInBrowser } from '../report/open.ts';
import type { LoadReport } from '../report/model.ts';
import { terminalSummary } from '../report/table.ts';
import { writeReports } from '../report/write.ts';
import type { FailedFile } from '../report/write.ts';
import { exitCodeOf } from './exit-code.ts';
import type { LoadExitCode } from './exit-code.ts';
import type { LoadOptions } from './options.ts';

export type LoadOutcome = { exitCode: LoadExitCode; report: LoadReport; files: string[] };

/**
 * What a run has written by itself: its HdrHistogram logs, and those of them that are not whole; `exitCode` where the
 * command does not end with the verdict's.
 */
export type RunFiles = { files: string[]; failed?: FailedFile[]; exitCode?: LoadExitCode };

/**
 * Ends a load test: writes every form of its report into `folder`, shows the summary on `stdout`, opens the page if asked.
 * A file that could not be written makes the exit code 1 and is one line on `stderr` that says what was kept and where.
 */
export function finish(report: LoadReport, folder: string, options: LoadOptions, run: RunFiles): LoadOutcome {
  const { stdout, stderr, isOpening = false } = options;
  const { files, failed: unwritten } = writeReports(report, folder);
  const failed = [...(run.failed ?? []), ...unwritten];
  stdout?.write(terminalSummary(report));
  const page = files.find((file) => file.endsWith('.html')) ?? files[0];
  if (page !== undefined) stdout?.write(`Report: ${page}\n`);
  if (failed.length > 0) stderr?.write(`${lossLine(failed, files)}\n`);
  if (isOpening && page !== undefined) openInBrowser(page);
  const exitCode = failed.length > 0 ? 1 : (run.exitCode ?? exitCodeOf(report));
  return { exitCode, report, files: [...files, ...run.files] };
}

/** One line: what could not be written and why, and where everything that was measured is. */
function lossLine(failed: readonly FailedFile[], files: readonly string[]): string {
  const lost = failed.map(({ file, code }) => `${file} (${code})`).join(', ');
  const json = files.find((file) => file.endsWith('report.json'));
  if (json === undefined)
    return `error: could not write ${lost}; what was measured is lost; make room and run it again`;
  const kept = `all that was measured is kept in ${dirname(json)}`;
  return `error: could not write ${lost}; ${kept}; make room, then: sallyport load report ${json}`;
}
