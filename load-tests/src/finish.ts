import { dirname } from 'node:path';
import { openInBrowser } from '../report/open.ts';
import type { LoadReport } from '../report/model.ts';
import { terminalSummary } from '../report/table.ts';
import { writeReports } from '../report/write.ts';
import type { FailedFile } from '../report/write.ts';
import { exitCodeOf } from './exit-code.ts';
import type { LoadExitCode } from './exit-code.ts';
import type { LoadOptions } from './load-options.ts';
import { drawPicture } from './picture.ts';

export type LoadOutcome = { exitCode: LoadExitCode; report: LoadReport; files: string[] };

/**
 * What a run has written by itself: its HdrHistogram logs, and those of them that are not whole; `exitCode` where the
 * command does not end with the verdict's.
 */
export type RunFiles = { files: string[]; failed?: FailedFile[]; exitCode?: LoadExitCode };

/**
 * Ends a load test: writes every form of its report into `folder`, shows the summary on `stdout`, draws the picture and
 * opens the page if asked. A file that could not be written makes the exit code 1 and is one line on `stderr` that says
 * what was kept and where.
 */
export async function finish(
  report: LoadReport,
  folder: string,
  options: LoadOptions,
  run: RunFiles,
): Promise<LoadOutcome> {
  const { stdout, stderr, isOpening = false, png = false } = options;
  const { files, failed: unwritten } = writeReports(report, folder);
  const failed = [...(run.failed ?? []), ...unwritten];
  stdout?.write(terminalSummary(report));
  const drawn = png ? await drawPicture(report, folder) : null;
  const page = files.find((file) => file.endsWith('.html')) ?? files[0];
  if (page !== undefined) stdout?.write(`Report: ${page}\n`);
  if (failed.length > 0) stderr?.write(`${lossLine(failed, files)}\n`);
  const isUndrawn = drawn !== null && 'problem' in drawn;
  if (drawn !== null && 'nothing' in drawn) stderr?.write(`note: no chart.png: ${drawn.nothing}\n`);
  if (isUndrawn) stderr?.write(`error: no chart.png: ${drawn.problem}; then: sallyport load report ${folder} --png\n`);
  if (isOpening && page !== undefined) openInBrowser(page);
  const exitCode = failed.length > 0 || isUndrawn ? 1 : (run.exitCode ?? exitCodeOf(report));
  const picture = drawn !== null && 'file' in drawn ? [drawn.file] : [];
  return { exitCode, report, files: [...files, ...picture, ...run.files] };
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
