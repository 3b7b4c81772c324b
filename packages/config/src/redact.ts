import { looksLikeCredential } from './parts.ts';

const SHOWN_MAX_CHARS = 60;
export const HIDDEN = '***';

/** A URL without its `user:password@`. In text that is no URL everything up to the last @ goes, since nobody knows where it ends. */
export function redactUrl(text: string): string {
  return text.replace(URL.canParse(text) ? /(:\/\/)[^/?#]*@/ : /(:\/\/).*@/s, `$1${HIDDEN}@`);
}

/** A copy fit to print: no user information in URLs, which alone of all settings may hold a secret; others name its file. */
export function redact(value: unknown): unknown {
  if (typeof value === 'string') return looksLikeCredential(value) ? HIDDEN : redactUrl(value);
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, redact(inner)]));
}

/** A value as a problem may quote it: short, and without secrets. */
export function quote(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return JSON.stringify(value);
  if (looksLikeCredential(value)) return 'a text like id:secret (not shown)';
  const shown = redactUrl(value);
  return JSON.stringify(shown.length > SHOWN_MAX_CHARS ? `${shown.slice(0, SHOWN_MAX_CHARS)}…` : shown);
}
