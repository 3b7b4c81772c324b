import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { junitReport } from './junit.ts';
import { markdownReport } from './markdown.ts';
import type { LoadReport } from './model.ts';
import { htmlReport } from './page/page.ts';
import { svgReport } from './svg.ts';
import { textReport } from './text.ts';

/** A file that could not be written; `code` is the system's (`ENOSPC`) or Node's. */
export type FailedFile = { file: string; code: string };
/** `files` are whole, `report.json` first where there was room for it. */
export type Written = { files: string[]; failed: FailedFile[] };

type Form = { name: string; make: (report: LoadReport) => string | null };

const JSON_FORM: Form = { name: 'report.json', make: (report) => `${JSON.stringify(report, null, 1)}\n` };
/** Every other form is made from the same object and can be made again from `report.json`. */
const FORMS: readonly Form[] = [
  { name: 'report.txt', make: textReport },
  { name: 'report.md', make: markdownReport },
  { name: 'junit.xml', make: junitReport },
  { name: 'report.svg', make: svgReport },
  { name: 'report.html', make: htmlReport },
];

/**
 * Writes every form of a report into `folder`, each by itself. `report.json` holds all that was measured, so it comes
 * first; where `folder` has no room for it (a full disk), it goes to a new folder of the system's temporary files. A file
 * that could not be written whole is removed.
 */
export function writeReports(report: LoadReport, folder: string): Written {
  const written: Written = { files: [], failed: [] };
  const isKept = writeForm(JSON_FORM, report, folder, written);
  if (!isKept) writeForm(JSON_FORM, report, tmpdir(), written, 'sallyport-load-');
  for (const form of FORMS) writeForm(form, report, folder, written);
  return written;
}

/** Writes one form, or nothing where there is nothing to show; with `prefix`, into a new folder of that prefix within `folder`. */
function writeForm(form: Form, report: LoadReport, folder: string, written: Written, prefix?: string): boolean {
  let file = join(folder, form.name);
  try {
    if (prefix !== undefined) file = join(mkdtempSync(join(folder, prefix)), form.name);
    const text = form.make(report);
    if (text === null) return true;
    writeFileSync(file, text);
    written.files.push(file);
    return true;
  } catch (error) {
    written.failed.push({ file, code: codeOf(error) });
    removePart(file);
    return false;
  }
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? String(error);
}

/** Half a file would be taken for a whole one. That it may not be there at all is no error. */
function removePart(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // The folder is not writable either; the failure is already told.
  }
}
