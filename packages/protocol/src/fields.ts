/**
 * What HTTP allows in a head, checked wherever a head leaves a frame: a peer is not trusted because it speaks our
 * protocol. Fields are flat, as Node's rawHeaders: name, value, name, value.
 */
import { FieldKind, isToken, kindOf, lowerName } from './field-kinds.ts';

/** RFC 9112 §3.2: a request target holds visible ASCII, kept as it came; no fragment, no backslash. */
const TARGET = /^[\x21\x22\x24-\x5b\x5d-\x7e]+$/;

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

/**
 * The fields of `fields` (flat: name, value, …) that are for the other end (RFC 9110 §7.6.1): the same array where all
 * are, as in most heads. `keepUpgrade` for a request that asks for an upgrade and for its 101; of `TE` only that trailers
 * are welcome is kept, being about the message.
 */
export function endToEnd(fields: readonly string[], keepUpgrade: boolean): readonly string[] {
  let seen = 0;
  for (let i = 0; i < fields.length; i += 2) seen |= kindOf(fields[i]!);
  if ((seen & FieldKind.HOP) === 0) return fields;
  const names = (seen & FieldKind.CONNECTION) === 0 ? null : nominated(fields);
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const kind = kindOf(name);
    const isEnding = (kind & FieldKind.HOP) !== 0 && !(keepUpgrade && (kind & FieldKind.UPGRADE) !== 0);
    if (!isEnding && (names === null || !isTakenAway(name, names))) kept.push(name, fields[i + 1]!);
  }
  if ((seen & FieldKind.TE) !== 0 && listsTrailers(fields)) kept.push('TE', 'trailers');
  return kept;
}

/** The options of `Connection` (RFC 9110 §7.6.1), in lower case; null where none of them can be the name of a field. */
export function nominated(fields: readonly string[]): ReadonlySet<string> | null {
  let names: Set<string> | null = null;
  for (let i = 0; i < fields.length; i += 2) {
    if ((kindOf(fields[i]!) & FieldKind.CONNECTION) === 0) continue;
    const value = fields[i + 1]!.toLowerCase();
    if (value === 'keep-alive' || value === 'close' || value === 'upgrade') continue;
    names ??= new Set();
    for (const option of value.split(',')) names.add(option.trim());
  }
  return names;
}

/** Whether these options take a field away: not one that is about the message or its way, nor one of the connection. */
export function isTakenAway(name: string, options: ReadonlySet<string>): boolean {
  return options.has(lowerName(name)) && (kindOf(name) & (FieldKind.LASTING | FieldKind.HOP)) === 0;
}

/**
 * Whether `TE` says that trailers are welcome. Whoever says so must nominate it as well (RFC 9110 §10.1.4), but many do
 * not, and HTTP/2 cannot: it goes on either way, for we pass trailers on.
 */
export function listsTrailers(fields: readonly string[]): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    if ((kindOf(fields[i]!) & FieldKind.TE) === 0) continue;
    if (/(?:^|,)[ \t]*trailers[ \t]*(?:[,;]|$)/i.test(fields[i + 1]!)) return true;
  }
  return false;
}

/**
 * The fields of a trailer section that may stand in one: the same array where all may. Not what must be known before the
 * content: framing, routing, authentication, request modifiers, response controls, content format (RFC 9110 §6.5.1), nor
 * what only we may say.
 */
export function trailerFields(fields: readonly string[]): readonly string[] {
  let seen = 0;
  for (let i = 0; i < fields.length; i += 2) seen |= kindOf(fields[i]!);
  if ((seen & FieldKind.HEAD_ONLY) === 0) return fields;
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if ((kindOf(fields[i]!) & FieldKind.HEAD_ONLY) === 0) kept.push(fields[i]!, fields[i + 1]!);
  }
  return kept;
}

const EVENT_STREAM = /^[ \t]*text\/event-stream(?![^ \t;,])/i;

/** Whether a Content-Type names server-sent events: an answer that may last, and is quiet for long. */
export function isEventStream(contentType: string): boolean {
  return EVENT_STREAM.test(contentType);
}
