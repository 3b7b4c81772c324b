/**
 * The string table of PROTOCOL.md: `count u16`, `count` × `length u16`, then all text as Latin-1.
 * One read and one write of text per head, and no byte of a value can be mistaken for its end.
 */
import { MAX_HEAD_BYTES, MAX_HEAD_LINES, readU16, writeU16 } from './wire.ts';

/** Bytes that `strings` take. Text beyond Latin-1 must have been refused before. */
export function tableBytes(strings: readonly string[]): number {
  let bytes = 2 + 2 * strings.length;
  for (const text of strings) bytes += text.length;
  return bytes;
}

/** Whether a head's text and lines are within what a frame may carry; `fixed`: strings before the first field. */
export function fitsHead(strings: readonly string[], fixed: number): boolean {
  if (strings.length > fixed + 2 * MAX_HEAD_LINES) return false;
  let bytes = 0;
  for (const text of strings) bytes += text.length;
  return bytes <= MAX_HEAD_BYTES;
}

/** Writes the table at `at`; returns the offset behind it. */
export function writeTable(target: Buffer, at: number, strings: readonly string[]): number {
  writeU16(target, at, strings.length);
  at += 2;
  for (const text of strings) {
    writeU16(target, at, text.length);
    at += 2;
  }
  return at + target.write(strings.join(''), at, 'latin1');
}

/** Not one character that no part of a head may hold: controls but HTAB (RFC 9110 §5.5). */
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

/**
 * Reads a table that must fill `[start, end)` exactly and hold at most `maxStrings` strings and `maxTextBytes` of
 * text; null otherwise. `'bad-head'` where it is well formed and holds control characters: looked for once in all the
 * text, which is many times cheaper than in each string.
 */
export function readTable(
  source: Buffer,
  start: number,
  end: number,
  maxStrings: number,
  maxTextBytes: number,
): string[] | 'bad-head' | null {
  if (end - start < 2) return null;
  const count = readU16(source, start);
  const textAt = start + 2 + 2 * count;
  if (count > maxStrings || textAt > end || end - textAt > maxTextBytes) return null;
  const text = source.toString('latin1', textAt, end);
  // At its full length from the start: growing it would leave as much garbage again.
  // oxlint-disable-next-line unicorn/no-new-array -- `from` and `fill` would write it twice
  const strings = new Array<string>(count);
  let at = 0;
  for (let i = 0, lengthAt = start + 2; i < count; i += 1, lengthAt += 2) {
    const length = readU16(source, lengthAt);
    strings[i] = text.substring(at, at + length);
    at += length;
  }
  if (at !== text.length) return null;
  return CONTROL.test(text) ? 'bad-head' : strings;
}
