import { TIMED_HOPS } from '../report/model.ts';

const FIRST = `${TIMED_HOPS[0]};dur=`;
const PREFIXES = TIMED_HOPS.map((name) => `${name};dur=`);
const TOTAL = TIMED_HOPS.length - 1;
const SPACE = 32;
const TAB = 9;
const COMMA = 44;
const DOT = 46;
const ZERO = 48;
const NINE = 57;

/**
 * Reads the tunnel's entries (milliseconds) out of a `Server-Timing` field (W3C Server Timing §3) into `into`, in the
 * order of `TIMED_HOPS`. Other entries may stand before and behind, also others of our names: ours are the eight in
 * their fixed order side by side. Where there are several such rows (a tunnel behind a tunnel), the one with the
 * largest total is the outermost and wins. False, and `into` undefined, when there is none.
 *
 * One pass with fixed names instead of a parser of the grammar: this runs for every answer.
 */
export function parseServerTiming(field: string | string[] | undefined, into: Float64Array): boolean {
  if (field === undefined) return false;
  if (typeof field === 'string') return parseOne(field, into, false);
  let found = false;
  for (const line of field) found = parseOne(line, into, found);
  return found;
}

const scratch = new Float64Array(TIMED_HOPS.length);

function parseOne(text: string, into: Float64Array, found: boolean): boolean {
  let at = text.indexOf(FIRST);
  while (at !== -1) {
    if (startsEntry(text, at) && parseRow(text, at) && (!found || (scratch[TOTAL] ?? 0) > (into[TOTAL] ?? 0))) {
      into.set(scratch);
      found = true;
    }
    at = text.indexOf(FIRST, at + FIRST.length);
  }
  return found;
}

/** `reentry;dur=1` holds our first name too, but not at the beginning of an entry. */
function startsEntry(text: string, at: number): boolean {
  if (at === 0) return true;
  const before = text.charCodeAt(at - 1);
  return before === COMMA || before === SPACE || before === TAB;
}

function parseRow(text: string, start: number): boolean {
  let at = start;
  for (let index = 0; index <= TOTAL; index++) {
    const prefix = PREFIXES[index] ?? '';
    if (!text.startsWith(prefix, at)) return false;
    at += prefix.length;
    const end = endOfNumber(text, at);
    if (end === at) return false;
    scratch[index] = Number(text.slice(at, end));
    at = skipSeparator(text, end);
    if (at === -1 || (at === text.length && index < TOTAL)) return false;
  }
  return true;
}

function endOfNumber(text: string, start: number): number {
  let at = start;
  let dots = 0;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT && dots === 0) dots = 1;
    else if (code < ZERO || code > NINE) break;
  }
  return at - dots > start ? at : start;
}

/** Past one comma and the spaces around it; the text's end is as good; -1 where something else follows. */
function skipSeparator(text: string, start: number): number {
  let at = start;
  let commas = 0;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === COMMA && commas === 0) commas = 1;
    else if (code !== SPACE && code !== TAB) break;
  }
  return commas === 1 || at === text.length ? at : -1;
}
