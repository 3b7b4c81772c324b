import { accessSync, constants, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LoadError } from './errors.ts';

const DEFAULT_PARENT = 'results';

/** Makes the folder of a run's reports: as asked, or `results/<time>`. @throws LoadError `SP_LOAD_OPTIONS` */
export function makeOutFolder(asked: string | undefined, now: Date): string {
  // 2026-03-01T12-00-00-123: sorts by time, and has no character that a file system minds.
  const name = now.toISOString().slice(0, -1).replaceAll(/[:.]/g, '-');
  const folder = asked ?? join(DEFAULT_PARENT, name);
  try {
    mkdirSync(folder, { recursive: true });
    // One that was there already may still be closed to us, and that is to be known before the run.
    accessSync(folder, constants.W_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new LoadError(
      'SP_LOAD_OPTIONS',
      `--out ${folder} cannot be made or written to (${code}); give a folder in ${dirname(folder)} that can`,
    );
  }
  return folder;
}
