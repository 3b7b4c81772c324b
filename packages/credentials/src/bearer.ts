// "Bearer", spaces, an id of 64, a dot and a secret of 256.
const HEADER_MAX_CHARS = 340;
// The secret's letters are those of token68 (RFC 9110 §11.2); the scheme's case does not matter (§11.1).
const BEARER = /^bearer {1,8}([A-Za-z0-9][A-Za-z0-9_-]{0,63})\.([A-Za-z0-9._~+/=-]{1,256})$/i;

export interface Presented {
  readonly id: string;
  readonly secret: string;
}

/** Reads `Authorization: Bearer <id>.<secret>` (RFC 6750 §2.1); null for anything else, and for values over 340 characters. */
export function parseBearer(header: string | undefined): Presented | null {
  if (header === undefined || header.length > HEADER_MAX_CHARS) return null;
  const match = BEARER.exec(header);
  return match === null ? null : { id: match[1]!, secret: match[2]! };
}
