import { isField } from '../profiles/request-shape.ts';
import { LoadError } from './errors.ts';

const MAX_CREDENTIALS = 10_000;

export type Credential = { id: string; secret: string };
export type AuthKind = 'basic' | 'bearer';
/** As the tunnel's own entry takes them. */
export const DEFAULT_AUTH: AuthKind = 'bearer';
/** A credential as it is sent; `id` is for people, and the only part of it that is ever shown. */
export type Signed = { id: string; authorization: string };

/**
 * Lines `id:secret`; empty ones and those that begin with `#` are left out. A broken one is named by its number, and
 * nothing of it is shown: it may be the secret.
 * @param file named in errors
 * @throws LoadError `SP_LOAD_CREDENTIALS`
 */
export function parseCredentials(text: string, file: string): Credential[] {
  const found: Credential[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const at = line.indexOf(':');
    const [id, secret] = [line.slice(0, Math.max(0, at)).trim(), line.slice(at + 1).trim()];
    if (id === '' || secret === '' || !isField('authorization', line)) {
      throw refuse(`${file}:${index + 1} is not id:secret; write one pair a line`);
    }
    found.push({ id, secret });
  }
  if (found.length === 0) throw refuse(`${file} holds no credentials; write one id:secret a line`);
  if (found.length > MAX_CREDENTIALS) throw refuse(`${file} holds more than ${MAX_CREDENTIALS} credentials; use fewer`);
  return found;
}

/** `Basic` of id and secret (RFC 7617), or `Bearer <id>.<secret>` (RFC 6750). */
export function authorization({ id, secret }: Credential, auth: AuthKind): string {
  return auth === 'bearer' ? `Bearer ${id}.${secret}` : `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

function refuse(message: string): LoadError {
  return new LoadError('SP_LOAD_CREDENTIALS', message);
}
