import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { REPORT_SCHEMA } from '../report/model.ts';
import type { LoadReport } from '../report/model.ts';
import { LoadError } from './errors.ts';
import { reportProblem } from './report-shape.ts';

/** A soak of a week is about this large; a larger file is no report of ours. */
const MAX_REPORT_BYTES = 512 * 2 ** 20;

/**
 * Reads a report.json, or that of a folder of results. Its whole shape is checked here: nothing behind this doubts it.
 * @throws LoadError `SP_LOAD_REPORT`, saying what in it is not as it must be
 */
export function readReport(fileOrFolder: string): LoadReport {
  const stat = statSync(fileOrFolder, { throwIfNoEntry: false });
  if (stat === undefined) throw refuse(fileOrFolder, 'is not there');
  const file = stat.isDirectory() ? join(fileOrFolder, 'report.json') : fileOrFolder;
  let value: unknown;
  try {
    if (statSync(file).size > MAX_REPORT_BYTES) throw refuse(file, 'is too large');
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof LoadError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    throw refuse(file, code === undefined ? 'is not JSON' : `cannot be read (${code})`);
  }
  const problem = reportProblem(value);
  if (problem !== null)
    throw refuse(file, `is no report of the schema ${REPORT_SCHEMA} (${problem.replace(/^\./, '')})`);
  return value as LoadReport;
}

function refuse(file: string, why: string): LoadError {
  return new LoadError('SP_LOAD_REPORT', `${file} ${why}; give a report.json or the folder of a load test’s results`);
}
