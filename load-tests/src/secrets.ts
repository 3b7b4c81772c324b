/** What of an address may be kept in a file that others read. Runs in k6 as well: no modules of Node. */

const HIDDEN = 'redacted';
/** Shorter ones are names and numbers; what is to be secret has 64 bits at least, which is as many characters. */
const MIN_SECRET_CHARS = 16;
/** Of these, so many in pieces that are neither words nor numbers: the hash in a file's name (8) is not yet a secret. */
const MIN_RANDOM_CHARS = 12;
const MAX_NUMBER_CHARS = 15;

/** As their makers publish them: JWT, GitHub, GitLab, Slack, Stripe and the like, AWS, Google, npm, PyPI. */
const KNOWN_SECRET =
  /^(eyJ|gh[oprsu]_|github_pat_|glpat-|xox[abeoprs]-|(sk|pk|rk|whsec)_\w{6}|sk-\w{6}|(AKIA|ASIA)[0-9A-Z]{12}|AIza|ya29\.|npm_\w{16}|pypi-)/;
/** They name things, in every API. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const WORD = /^[A-Za-z]*$/;

/** Fields that open something: they go to the tunnel only, and into no file. */
export const SECRET_FIELDS: readonly string[] = ['authorization', 'cookie', 'proxy-authorization'];

/**
 * The same path, its query's values dropped and segments that look like secrets replaced. `hidden`: how many were.
 *
 * A segment looks like a secret where it begins as known tokens do; or has 16 characters or more, is no UUID, and has
 * 12 or more in pieces that mix digits and letters or are a number of 16 digits: `how-to-tunnel-in-2026` and
 * `index-BxYz12Ab.js` stay. A secret of letters alone cannot be told from a word, and stays.
 */
export function withoutSecrets(target: string): { path: string; hidden: number } {
  let hidden = 0;
  const shown = (text: string): string => {
    if (!looksSecret(text)) return text;
    hidden += 1;
    return HIDDEN;
  };
  const [path = '', ...queries] = target.split('?');
  const segments = path.split('/').map(shown).join('/');
  if (queries.length === 0) return { path: segments, hidden };
  const names = queries.join('?').split('&');
  const query = names.map((pair) => shown(pair.split('=')[0] ?? '') + (pair.includes('=') ? '=' : '')).join('&');
  return { path: `${segments}?${query}`, hidden };
}

/** The address for people: without what may be secret. */
export function shownAddress(origin: string, path: string): string {
  return origin + withoutSecrets(path).path;
}

function looksSecret(text: string): boolean {
  if (KNOWN_SECRET.test(text)) return true;
  if (text.length < MIN_SECRET_CHARS || UUID.test(text)) return false;
  // An escaped character parts as well as a hyphen does.
  const pieces = text.replace(/%[0-9a-f]{2}/gi, '-').split(/[^0-9A-Za-z]+/);
  const random = pieces.filter((piece) => !WORD.test(piece) && !isNumber(piece)).join('');
  return random.length >= MIN_RANDOM_CHARS;
}

function isNumber(piece: string): boolean {
  return /^[0-9]*$/.test(piece) && piece.length <= MAX_NUMBER_CHARS;
}
