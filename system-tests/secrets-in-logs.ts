/**
 * Looks for every secret of a test run in all that its processes wrote:
 *
 *   SALLYPORT_TEST_LOGS=/tmp/logs npm test; node system-tests/secrets-in-logs.ts /tmp/logs
 *
 * Exit code 0: none was found; 1: some were, each told by its file and line, never by itself; 2: there was nothing to look
 * at. Needs grep.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOG_ENDING, SECRETS_FILE } from './harness/secrets.ts';

const LEAST_CHARS = 8;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const TOLD = 50;
/** What a secret looks like that nobody noted: a key, a credential as it is sent. */
const SHAPES = ['-----BEGIN [A-Z ]*PRIVATE KEY-----', 'Bearer [A-Za-z0-9_-]{1,64}\\.[A-Za-z0-9_-]{16,}'];

export interface Found {
  readonly secrets: number;
  readonly logs: number;
  readonly bytes: number;
  /** `file:line`. */
  readonly places: readonly string[];
}

export function searchLogs(folder: string): Found {
  const names = readdirSync(folder);
  const logs = names.filter((name) => name.endsWith(LOG_ENDING)).map((name) => join(folder, name));
  const noted = names.includes(SECRETS_FILE) ? readFileSync(join(folder, SECRETS_FILE), 'utf8') : '';
  const secrets = new Set(
    noted
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as string),
  );
  const short = [...secrets].filter((secret) => secret.length < LEAST_CHARS);
  if (short.length > 0) throw new Error(`${short.length} noted secrets are shorter than ${LEAST_CHARS} characters`);
  const places = [
    ...grep(['-F', '-f', '-'], folder, [...secrets].join('\n')),
    ...SHAPES.flatMap((shape) => grep(['-E', '-e', shape], folder, '')),
  ];
  const bytes = logs.reduce((sum, log) => sum + readFileSync(log).length, 0);
  return { secrets: secrets.size, logs: logs.length, bytes, places: [...new Set(places)] };
}

/** `file:line` of each match. */
function grep(how: readonly string[], folder: string, input: string): string[] {
  if (how.includes('-F') && input === '') return [];
  const { status, stdout, error } = spawnSync('grep', ['-rn', `--include=*${LOG_ENDING}`, ...how, folder], {
    input,
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  if (error !== undefined || status === null || status > 1) throw error ?? new Error(`grep ended with ${status}`);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => /^(.*?:\d+):/.exec(line)?.[1] ?? folder);
}

function main(folder: string | undefined): number {
  if (folder === undefined) {
    process.stderr.write('usage: node system-tests/secrets-in-logs.ts FOLDER\n');
    return 2;
  }
  const { secrets, logs, bytes, places } = searchLogs(folder);
  if (secrets === 0 || bytes === 0) {
    process.stderr.write(`nothing to look at in ${folder}: ${secrets} secrets, ${logs} logs, ${bytes} bytes\n`);
    return 2;
  }
  for (const place of places.slice(0, TOLD)) process.stderr.write(`a secret is in ${place}\n`);
  if (places.length > TOLD) process.stderr.write(`… and in ${places.length - TOLD} more lines\n`);
  process.stdout.write(`${secrets} secrets, ${logs} logs of ${bytes} bytes, found in ${places.length} lines\n`);
  return places.length === 0 ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) process.exitCode = main(process.argv[2]);
