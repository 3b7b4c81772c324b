/**
 * User and password of URLs (RFC 3986 §3.2.1) in whatever text they stand. Strangers choose the texts, so the time is
 * proportional to the length: each of the searches below only ever goes on from where it was.
 */
export const CENSOR = '[redacted]';

/** Behind what a user may stand: `://`, and the schemes that we use also where colon or slashes are wrong. */
const MARK = /:\/\/|\b(?:https?|wss?)[:/\\]{1,3}/gi;
/** What ends a user and password that are encoded as they should be. */
const DELIMITER = /[\s/?#"'<>]/g;
/** What ends a URL in a text, however it is written. */
const BLANK = /[\s"'<>]/g;
/** What ends the user alone. */
const USER_END = /[\s/?#"'<>:[]/g;
/** A port, and no password that begins with digits. */
const PORT = /\d*(?!\w)/y;
const AT = /@/g;
/** A password in which `/`, `?` or `#` is not encoded is looked for so far: behind it an `@` is of something else. */
const MAX_ODD_PASSWORD_CHARS = 400;

/**
 * The text with `[redacted]` for user and password of each URL. A password with `/`, `?` or `#` in it is known by what
 * follows the colon being no port. Shown stay a password that looks like a port before such a character (`me:12/x@h`),
 * one with a blank or a quote in it, and what one with `@` before `/` has behind that `@` (`me:p@ss/x@h`).
 */
export function redactUser(text: string): string {
  if (!text.includes('@')) return text;
  const delimiter = searchIn(text, DELIMITER);
  const blank = searchIn(text, BLANK);
  const userEnd = searchIn(text, USER_END);
  const at = searchIn(text, AT);
  const atBehindUser = searchIn(text, AT);
  const endOf = (start: number): number => {
    const colon = userEnd(start);
    const oddEnd = text[colon] === ':' && !isPort(text, colon + 1) ? atBehindUser(colon) : text.length;
    if (oddEnd - colon <= MAX_ODD_PASSWORD_CHARS && oddEnd < blank(start)) return oddEnd;
    return at(start) < delimiter(start) ? at(start) : -1;
  };
  let shown = '';
  let from = 0;
  MARK.lastIndex = 0;
  while (MARK.test(text)) {
    const start = MARK.lastIndex;
    const end = endOf(start);
    if (end === -1) continue;
    shown += text.slice(from, start) + CENSOR;
    from = lastAt(text, end);
    MARK.lastIndex = from;
  }
  return shown + text.slice(from);
}

/** Behind the first `@` there may be more before the host. */
function lastAt(text: string, first: number): number {
  DELIMITER.lastIndex = first;
  const end = DELIMITER.exec(text)?.index ?? text.length;
  return text.lastIndexOf('@', end);
}

function isPort(text: string, start: number): boolean {
  PORT.lastIndex = start;
  return PORT.test(text);
}

/** Where the pattern is found next, from a place that never lies before the one asked for last; or the text's length. */
function searchIn(text: string, pattern: RegExp): (start: number) => number {
  let found = -1;
  return (start) => {
    if (found >= start) return found;
    pattern.lastIndex = start;
    found = pattern.exec(text)?.index ?? text.length;
    return found;
  };
}
