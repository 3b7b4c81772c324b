import { CREDENTIALS_MAX, PRINCIPAL } from './changes.ts';
import { type Result, done, failed } from './errors.ts';
import { HASH_BYTES, ID } from './secrets.ts';
import { isSessionGlob } from './session-globs.ts';
import { type CredentialRecord, ROLES, type Role } from './types.ts';

export const STORE_SCHEMA = 'sallyport.credentials/1';
const FIELDS = new Set(['id', 'principal', 'role', 'sessions', 'hash', 'createdAt', 'revokedAt']);

/** JSON with one credential a line, so that a line number says which and a diff shows what changed. */
export function formatStore(records: readonly CredentialRecord[]): string {
  const lines = records.map((record) => `    ${JSON.stringify(record)}`);
  const list = lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n  ]`;
  return `{\n  "schema": ${JSON.stringify(STORE_SCHEMA)},\n  "credentials": ${list}\n}\n`;
}

/** Reads what `formatStore` wrote, and what people made of it. Errors name file and line and repeat none of the text. */
export function parseStore(text: string, file: string): Result<readonly CredentialRecord[]> {
  const broken = (line: number, message: string, hint: string) =>
    failed('SP_CREDENTIALS_BROKEN', `${file}:${line}: ${message}`, hint, { file, line });
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return broken(
      lineOfSyntaxError(text),
      'this is not sound JSON',
      'correct this line, or restore the file from a backup',
    );
  }
  const { schema, credentials, ...others } = (data ?? {}) as { schema?: unknown; credentials?: unknown };
  if (schema !== STORE_SCHEMA) {
    return broken(1, `"schema" is not ${STORE_SCHEMA}`, 'is this a credential store, and of this version?');
  }
  if (!Array.isArray(credentials) || Object.keys(others).length > 0) {
    return broken(1, 'it does not hold "schema" and a list "credentials" alone', 'restore the file from a backup');
  }
  if (credentials.length > CREDENTIALS_MAX)
    return broken(1, `more than ${CREDENTIALS_MAX} credentials`, 'remove revoked ones');
  const ids = new Set<string>();
  for (const [index, record] of credentials.entries()) {
    const wrong = wrongField(record);
    if (wrong !== null)
      return broken(
        lineOfRecord(text, index),
        `${wrong} cannot be`,
        'correct it, or remove this credential and issue a new one',
      );
    const { id } = record as CredentialRecord;
    if (ids.has(id)) return broken(lineOfRecord(text, index), 'this id is there twice', 'remove one of the two');
    ids.add(id);
  }
  return done(credentials as readonly CredentialRecord[]);
}

/** The name of the first field that is not as it must be; null for a sound record. */
function wrongField(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'a credential that is no object';
  const record = value as Readonly<Record<string, unknown>>;
  if (typeof record['id'] !== 'string' || !ID.test(record['id'])) return '"id"';
  if (typeof record['principal'] !== 'string' || !PRINCIPAL.test(record['principal'])) return '"principal"';
  if (!ROLES.includes(record['role'] as Role)) return '"role"';
  const { sessions, hash } = record;
  if (!Array.isArray(sessions) || !sessions.every((glob) => typeof glob === 'string' && isSessionGlob(glob)))
    return '"sessions"';
  if (typeof hash !== 'string' || Buffer.from(hash, 'base64url').length !== HASH_BYTES) return '"hash"';
  if (!isTime(record['createdAt'])) return '"createdAt"';
  // A time that cannot be read must not turn a revoked credential into a good one.
  if (Object.hasOwn(record, 'revokedAt') && !isTime(record['revokedAt'])) return '"revokedAt"';
  return Object.keys(record).every((name) => FIELDS.has(name)) ? null : 'a field of another name';
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value));
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let index = text.indexOf('\n'); index !== -1 && index < offset; index = text.indexOf('\n', index + 1)) line++;
  return line;
}

/**
 * V8 seldom tells where. No JSON token spans lines, so the fault is on the first line with which the text so far is no longer
 * merely unfinished: found by halving, at most 17 parses for a full store.
 */
function lineOfSyntaxError(text: string): number {
  const lines = text.trimEnd().split('\n');
  let [low, high] = [1, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isUnfinished(lines.slice(0, middle).join('\n').trimEnd())) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isUnfinished(text: string): boolean {
  try {
    JSON.parse(text);
    // Sound so far; the fault is what follows.
    return true;
  } catch (error) {
    const { message } = error as Error;
    const [, position] = /at position (\d+)/.exec(message) ?? [];
    if (message.startsWith('Unterminated string')) return false;
    return message.includes('end of JSON input') || Number(position) >= text.length;
  }
}

/** The line on which the n-th item of the list under the root begins, in sound JSON. */
function lineOfRecord(text: string, wanted: number): number {
  let depth = 0;
  let seen = -1;
  let afterSeparator = false;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]|[^\s{}[\],"]+/g)) {
    // An item begins with the first token after the list's bracket or one of its commas.
    if (depth === 2 && afterSeparator && token !== ']' && ++seen === wanted) return lineAt(text, index);
    afterSeparator = depth === 2 ? token === ',' : depth === 1 && token === '[';
    if (token === '{' || token === '[') depth++;
    if (token === '}' || token === ']') depth--;
  }
  return 1;
}
