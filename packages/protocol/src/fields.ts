/**
 * What HTTP allows in a head, checked wherever a head leaves a frame: a peer is not trusted because it speaks our
 * protocol. Fields are flat, as Node's rawHeaders: name, value, name, value.
 */

/** RFC 9110 §5.6.2 `token`. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
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

/**
 * Whether `strings` from `from` on are whole name–value pairs that HTTP allows. Control characters were looked for in
 * the whole table already (`readTable`).
 */
export function fieldsAreValid(strings: readonly string[], from: number): boolean {
  if ((strings.length - from) % 2 !== 0) return false;
  for (let i = from; i < strings.length; i += 2) {
    if (!isToken(strings[i]!) || !isTrimmed(strings[i + 1]!)) return false;
  }
  return true;
}

/** RFC 9110 §5.5: a field value neither begins nor ends with a space or tab. */
export function isTrimmed(value: string): boolean {
  return value === '' || !(isSpace(value.charCodeAt(0)) || isSpace(value.charCodeAt(value.length - 1)));
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** RFC 9110 §7.6.1: fields of one connection. They never travel in a frame (RFC 9113 §8.2.2 has the same rule). */
const CONNECTION_FIELDS = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);
/** Fields that `Connection` cannot take away by nominating them. */
const NOT_NOMINATED = new Set(['host', 'authorization', 'content-length', 'cookie', 'set-cookie']);
const lowerNames = new Map<string, string>();

/** `name` in lower case; the common ones cost one look-up. */
export function lowerName(name: string): string {
  let lower = lowerNames.get(name);
  if (lower === undefined) {
    lower = name.toLowerCase();
    if (name.length <= 64 && lowerNames.size < KNOWN_NAMES_LIMIT) lowerNames.set(name, lower);
  }
  return lower;
}

/**
 * The fields of `fields` (flat: name, value, …) that are for the other end: the same array where all are, as in most
 * heads. `keepUpgrade` for a request that asks for an upgrade and for its 101; `TE: trailers` is kept, being about the
 * message.
 */
export function endToEnd(fields: readonly string[], keepUpgrade: boolean): readonly string[] {
  let isClean = true;
  let nominated: Set<string> | null = null;
  for (let i = 0; i < fields.length; i += 2) {
    const lower = lowerName(fields[i]!);
    if (!CONNECTION_FIELDS.has(lower)) continue;
    isClean = false;
    if (lower === 'connection') nominated = nominate(nominated, fields[i + 1]!);
  }
  if (isClean) return fields;
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const lower = lowerName(fields[i]!);
    const isOfConnection = CONNECTION_FIELDS.has(lower) && !isAboutMessage(lower, fields[i + 1]!, keepUpgrade);
    if (!isOfConnection && nominated?.has(lower) !== true) kept.push(fields[i]!, fields[i + 1]!);
  }
  return kept;
}

function isAboutMessage(lower: string, value: string, keepUpgrade: boolean): boolean {
  return (lower === 'upgrade' && keepUpgrade) || (lower === 'te' && value.toLowerCase() === 'trailers');
}

function nominate(names: Set<string> | null, value: string): Set<string> | null {
  for (const part of value.split(',')) {
    const name = part.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase();
    if (name === '' || CONNECTION_FIELDS.has(name) || NOT_NOMINATED.has(name) || name.startsWith('x-forwarded-'))
      continue;
    names ??= new Set();
    names.add(name);
  }
  return names;
}
