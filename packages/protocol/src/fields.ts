/**
 * What HTTP allows in a head, checked wherever a head leaves a frame: a peer is not trusted because it speaks our
 * protocol. Fields are flat, as Node's rawHeaders: name, value, name, value.
 */

/** RFC 9110 §5.6.2 `token`. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110 §5.5: no control characters but HTAB, and no space or tab around the value. */
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const BAD_VALUE = /[\0-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$/;
/** A request target holds visible ASCII or bytes over 0x7F, kept as they came; no fragment, no backslash. */
const TARGET = /^[\x21\x22\x24-\x5b\x5d-\x7e\x80-\xff]+$/;

/** Names that were valid before, so that the common ones cost one look-up. */
const knownNames = new Set<string>();
const KNOWN_NAMES_LIMIT = 1_000;

export function isToken(text: string): boolean {
  if (knownNames.has(text)) return true;
  if (!TOKEN.test(text)) return false;
  if (text.length <= 64 && knownNames.size < KNOWN_NAMES_LIMIT) knownNames.add(text);
  return true;
}

export function isTarget(text: string): boolean {
  return TARGET.test(text);
}

/** Whether `strings` from `from` on are whole name–value pairs that HTTP allows. */
export function fieldsAreValid(strings: readonly string[], from: number): boolean {
  if ((strings.length - from) % 2 !== 0) return false;
  for (let i = from; i < strings.length; i += 2) {
    if (!isToken(strings[i]!) || BAD_VALUE.test(strings[i + 1]!)) return false;
  }
  return true;
}
