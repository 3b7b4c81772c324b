import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadReport } from './model.ts';
import { textReport } from './text.ts';

/** Writes every form of a report into `folder`; the files, `report.json` first. */
export function writeReports(report: LoadReport, folder: string): string[] {
  const json = join(folder, 'report.json');
  const text = join(folder, 'report.txt');
  writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(text, textReport(report));
  return [json, text];
}
