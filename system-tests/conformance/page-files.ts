/** Where the conformance page is, and the tests that it is made from. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENDING, rowsOf } from './page.ts';
import type { RowTest } from './page.ts';

export const PAGE = join(import.meta.dirname, '../../docs/conformance.md');

/** In the order of files and of the tests in them. */
export function testsHere(): RowTest[] {
  const names = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .filter((name) => name !== 'page');
  return names
    .sort()
    .flatMap((name) => rowsOf(name, readFileSync(join(import.meta.dirname, `${name}${ENDING}`), 'utf8')));
}
