import { embeddedEngine } from '../engine/embedded.ts';
import { k6Engine } from '../engine/k6.ts';
import type { LoadReport } from '../report/model.ts';
import { terminalSummary } from '../report/table.ts';
import { writeReports } from '../report/write.ts';
import { assemble } from './assemble.ts';
import { exitCodeOf } from './exit-code.ts';
import type { LoadExitCode } from './exit-code.ts';
import { prepare } from './options.ts';
import type { LoadOptions } from './options.ts';
import { makeOutFolder } from './out-folder.ts';
import { runPlan } from './run.ts';

export type LoadOutcome = { exitCode: LoadExitCode; report: LoadReport; files: string[] };

/**
 * Runs a ramp and writes its reports. Progress goes to `stderr`, the summary to `stdout`. When `signal` aborts, the run
 * ends within a second or two and reports what it has (exit code 130).
 * @throws LoadError of exit code 2 when it cannot be run as asked; whatever breaks later is in the outcome
 */
export async function loadRamp(options: LoadOptions): Promise<LoadOutcome> {
  const prepared = prepare(options);
  const engine = prepared.engine === 'k6' ? k6Engine() : embeddedEngine;
  const folder = makeOutFolder(options.out, new Date());
  const { plan, thresholds } = prepared;
  const { signal, stderr, isTty, version = '0.0.0' } = options;
  const result = await runPlan({ plan, engine, folder, thresholds, signal, stderr, isTty });
  const report = assemble({ command: 'ramp', prepared, version, ...result });
  return { exitCode: exitCodeOf(report), report, files: [...finish(report, folder, options), ...result.files] };
}

/** Writes the reports and says so. */
function finish(report: LoadReport, folder: string, { stdout }: LoadOptions): string[] {
  const files = writeReports(report, folder);
  stdout?.write(`${terminalSummary(report)}Report: ${files[1]}\n`);
  return files;
}
