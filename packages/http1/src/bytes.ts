/** What each byte may be, one look-up a byte (RFC 9110 §5.6.2, §5.5; RFC 9112 §3.2). */

export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

export const Class = { TOKEN: 1, VALUE: 2, TARGET: 4, DIGIT: 8 } as const;

/** Bits of `Class` for each byte. */
export const CLASSES: Uint8Array = classes();

/** The value of a hexadecimal digit; −1 for any other byte. */
export const HEX: Int8Array = hexadecimal();

function classes(): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    const isVisible = byte > SPACE && byte !== 0x7f;
    if (isVisible || byte === SPACE || byte === TAB) table[byte]! |= Class.VALUE;
    // RFC 3986 knows no bytes over 0x7F; a fragment or a backslash is for who routes to refuse.
    if (isVisible && byte < 0x80) table[byte]! |= Class.TARGET;
    if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte))) table[byte]! |= Class.TOKEN;
    if (byte >= 0x30 && byte <= 0x39) table[byte]! |= Class.DIGIT;
  }
  return table;
}

function hexadecimal(): Int8Array {
  const table = new Int8Array(256).fill(-1);
  for (let digit = 0; digit < 16; digit += 1) {
    const text = digit.toString(16);
    table[text.charCodeAt(0)] = digit;
    table[text.toUpperCase().charCodeAt(0)] = digit;
  }
  return table;
}

/** Without the white space that HTTP allows around a list's members: SP and HTAB, and no other (RFC 9110 §5.6.3). */
export function trimOws(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isOws(text.charCodeAt(from))) from += 1;
  while (to > from && isOws(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
