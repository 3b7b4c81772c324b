import { isDeepStrictEqual } from 'node:util';
import { CREDENTIALS_MAX, type Change, PRINCIPAL, checkRequest, fullStore, isoTime } from './changes.ts';
import { type LineProblem, done, failed } from './errors.ts';
import { ID, SECRET_MAX_CHARS, SECRET_MIN_CHARS, hashSecret } from './secrets.ts';
import type { CredentialRecord, Role } from './types.ts';

const PRINTABLE = /^[\x21-\x7e]+$/;
// What htpasswd writes: it is a hash already, and nobody can present it.
const HASHED = /^(?:\$(?:apr1|2[abxy]|1|5|6|argon2\w*)\$|\{SHA\})/;

export interface ImportRequest {
  readonly role: Role;
  readonly sessions: readonly string[];
  /** Owner of all of them; without it each belongs to a principal named like its id. */
  readonly principal?: string;
}

export interface Imported {
  readonly added: number;
  /** Lines that the store holds already, all the same: importing twice is harmless. */
  readonly unchanged: number;
}

/**
 * Takes lines `id:secret` (empty ones and # comments aside). All or nothing: with one broken line none is taken, and every
 * broken line is reported by number, never by its text. Secrets have 16 to 256 printable characters.
 */
export function importCredentials(text: string, request: ImportRequest): Change<Imported> {
  return (records, { pepper, nowMs }) => {
    const refusal = checkRequest({ ...request, principal: request.principal ?? 'each-its-own' });
    if (refusal !== null) return refusal;
    const known = new Map(records.map((record) => [record.id, record]));
    const problems: LineProblem[] = [];
    const added: CredentialRecord[] = [];
    let unchanged = 0;
    for (const [index, line] of text
      .replace(/^\u{feff}/u, '')
      .split(/\r?\n/)
      .entries()) {
      if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
      const read = readLine(line.trim());
      if (typeof read === 'string') {
        problems.push({ line: index + 1, message: read });
        continue;
      }
      const [id, secret] = read;
      const hash = hashSecret(pepper, secret).toString('base64url');
      const owned = { id, principal: request.principal ?? id, role: request.role, sessions: [...request.sessions] };
      const record = { ...owned, hash, createdAt: isoTime(nowMs) };
      const earlier = known.get(id);
      if (earlier === undefined) {
        known.set(id, record);
        added.push(record);
      } else if (isSame(earlier, record)) unchanged++;
      else
        problems.push({
          line: index + 1,
          message: 'this id is taken: by another secret, use or owner, or a revoked one',
        });
    }
    const [first] = problems;
    if (first !== undefined) {
      const more = problems.length > 1 ? `, and ${problems.length - 1} more` : '';
      const hint = 'correct the lines and import again: nothing was taken';
      return failed('SP_CREDENTIALS_IMPORT', `line ${first.line}: ${first.message}${more}`, hint, {
        line: first.line,
        problems,
      });
    }
    if (known.size > CREDENTIALS_MAX) return fullStore();
    return done({ records: [...records, ...added], value: { added: added.length, unchanged } });
  };
}

function isSame(earlier: CredentialRecord, record: CredentialRecord): boolean {
  return isDeepStrictEqual(earlier, { ...record, createdAt: earlier.createdAt });
}

/** Id and secret, or what is wrong with the line. */
function readLine(line: string): readonly [id: string, secret: string] | string {
  const colon = line.indexOf(':');
  if (colon === -1) return 'it is not id:secret';
  const [id, secret] = [line.slice(0, colon), line.slice(colon + 1)];
  if (!ID.test(id) || !PRINCIPAL.test(id)) return 'its id is not 1 to 64 letters, digits, _ and -';
  if (HASHED.test(secret)) return 'it holds a hash (htpasswd) and not a secret';
  if (secret.length < SECRET_MIN_CHARS) return `its secret has fewer than ${SECRET_MIN_CHARS} characters`;
  if (secret.length > SECRET_MAX_CHARS) return `its secret has more than ${SECRET_MAX_CHARS} characters`;
  if (!PRINTABLE.test(secret)) return 'its secret holds a space or a character outside of ASCII';
  return [id, secret];
}
