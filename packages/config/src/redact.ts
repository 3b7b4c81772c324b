import { looksLikeCredential } from './parts.ts';

export const HIDDEN = '***';

/** A URL without its `user:password@` and what its query says. In text that is no URL everything up to the last @ goes, since nobody knows where it ends. */
export function redactUrl(text: string): string {
  const bare = text.replace(URL.canParse(text) ? /(:\/\/)[^/?#]*@/ : /(:\/\/).*@/s, `$1${HIDDEN}@`);
  return URL.canParse(text) ? bare.replace(/\?[^#]+/, `?${HIDDEN}`) : bare;
}

/** A copy fit to print: no user information and no query in URLs, which alone of all settings may hold a secret; others name its file. */
export function redact(value: unknown): unknown {
  if (typeof value === 'string') return looksLikeCredential(value) ? HIDDEN : redactUrl(value);
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, redact(inner)]));
}

/** What a value is, as a problem may say it. A text that is refused is never shown: it may be a secret in the wrong place. */
export function describe(value: unknown, isNumeric: boolean): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'a text';
  if (typeof value === 'number') return isNumeric ? String(value) : 'a number';
  return JSON.stringify(value);
}
