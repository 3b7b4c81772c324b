/**
 * What the processes of a test run write, and the secrets that it uses, kept where SALLYPORT_TEST_LOGS names a folder:
 * `secrets-in-logs.ts` then looks for the one in the other.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** One secret a line, as JSON. */
export const SECRETS_FILE = 'secrets.jsonl';
export const LOG_ENDING = '.log';

const FOLDER = process.env['SALLYPORT_TEST_LOGS'];

if (FOLDER !== undefined) mkdirSync(FOLDER, { recursive: true });

/** It must be in no log; answers it. At least 8 characters, so that nothing else looks like it. */
export function noteSecret(secret: string): string {
  if (FOLDER !== undefined) appendFileSync(join(FOLDER, SECRETS_FILE), `${JSON.stringify(secret)}\n`, { mode: 0o600 });
  return secret;
}

/** Where what a process writes is kept: call it with each piece. */
export function keepLog(name: string): (text: string) => void {
  if (FOLDER === undefined) return () => {};
  const file = join(FOLDER, `${process.pid}-${name}${LOG_ENDING}`);
  return (text) => appendFileSync(file, text);
}
