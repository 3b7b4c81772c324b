/** Fields as text, with a last look at each: what goes out can never be read as more lines than it was. */
import { Field, fieldOf } from './names.ts';

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110 §5.5: what no value may hold; text beyond Latin-1 would be cut to other bytes. */
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const NOT_IN_VALUE = /[\0-\x08\x0a-\x1f\x7f\u0100-\uffff]/;

/** Names that were tokens before: the common ones cost one look-up. Full, it begins anew: strangers may have filled it. */
const KNOWN_TOKENS_LIMIT = 1_000;
const KNOWN_TOKEN_BYTES = 64;
const knownTokens = new Set<string>();

export function isToken(text: string): boolean {
  if (knownTokens.has(text)) return true;
  if (!TOKEN.test(text)) return false;
  if (text.length <= KNOWN_TOKEN_BYTES) {
    if (knownTokens.size >= KNOWN_TOKENS_LIMIT) knownTokens.clear();
    knownTokens.add(text);
  }
  return true;
}

export function isValue(text: string): boolean {
  return !NOT_IN_VALUE.test(text);
}

/** One serves all writers: what it says is taken before the next head is written. */
export class FieldWriter {
  text = '';
  /** Bits of `Field` of all that was written. */
  seen = 0;
  /** −1: none was written. */
  contentLength = -1;

  /** Writes flat fields without those of `omit` (bits of `Field`); false where HTTP does not allow them. */
  write(fields: readonly string[], omit: number): boolean {
    let text = '';
    this.seen = 0;
    this.contentLength = -1;
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      const value = fields[i + 1]!;
      const field = fieldOf(name);
      if ((field === Field.OTHER && !isToken(name)) || NOT_IN_VALUE.test(value)) return false;
      if ((field & omit) !== 0) continue;
      if ((field & Field.CONTENT_LENGTH) !== 0 && !this.#noteLength(value)) return false;
      this.seen |= field;
      text += `${name}: ${value}\r\n`;
    }
    this.text = text;
    return true;
  }

  #noteLength(value: string): boolean {
    if (this.contentLength >= 0 || !/^\d{1,15}$/.test(value)) return false;
    this.contentLength = Number(value);
    return true;
  }
}
