import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { LoadError } from './errors.ts';
import type { LoadErrorCode } from './errors.ts';

/** A program that is not ours: its names, the variable that may name its file, and how to come by it. */
export type Wanted = { names: readonly string[]; variable: string; code: LoadErrorCode; fix: string };

/**
 * The file that the variable names, or the first one on PATH that has one of the names.
 * @throws LoadError of exit code 2 where none can be run, saying how to get it
 */
export function findProgram({ names, variable, code, fix }: Wanted, environment: NodeJS.ProcessEnv): string {
  const named = environment[variable] ?? '';
  if (named !== '') {
    if (isExecutable(named)) return named;
    throw new LoadError(code, `${variable}=${named} is not an executable file; ${fix}`);
  }
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const files = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  const found = files.find((file) => isExecutable(file));
  if (found !== undefined) return found;
  throw new LoadError(code, `there is no ${names.join(' or ')} on PATH; ${fix}`);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
