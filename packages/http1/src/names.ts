/** Well-known names: one string each, however often they come, and what they mean for framing. */

/** Names that the codec itself acts on; each a bit. */
export const Field = {
  OTHER: 0,
  CONTENT_LENGTH: 1,
  TRANSFER_ENCODING: 2,
  CONNECTION: 4,
  UPGRADE: 8,
  EXPECT: 16,
  TRAILER: 32,
  DATE: 64,
  KEEP_ALIVE: 128,
  /** Framing, which no trailer may say (RFC 9110 §6.5.1); what else may not is for whoever passes trailers on. */
  NOT_A_TRAILER: 256,
  TE: 512,
} as const;

const FIELDS: ReadonlyMap<string, number> = new Map([
  ['content-length', Field.CONTENT_LENGTH | Field.NOT_A_TRAILER],
  ['transfer-encoding', Field.TRANSFER_ENCODING | Field.NOT_A_TRAILER],
  ['connection', Field.CONNECTION],
  ['upgrade', Field.UPGRADE],
  ['expect', Field.EXPECT],
  ['trailer', Field.TRAILER | Field.NOT_A_TRAILER],
  ['date', Field.DATE],
  ['te', Field.TE],
  ['keep-alive', Field.KEEP_ALIVE],
]);

/** As they are usually spelt; each is known in lower case as well. Methods are looked up here too. */
const SPELLINGS =
  'GET HEAD POST PUT DELETE OPTIONS PATCH Accept Accept-CH Accept-Encoding Accept-Language Accept-Ranges ' +
  'Access-Control-Allow-Credentials Access-Control-Allow-Headers Access-Control-Allow-Methods ' +
  'Access-Control-Allow-Origin Access-Control-Expose-Headers Access-Control-Max-Age Age Allow Alt-Svc Authorization ' +
  'Cache-Control Connection Content-Disposition Content-Encoding Content-Language Content-Length Content-Location ' +
  'Content-Range Content-Security-Policy Content-Type Cookie DNT Date ETag Expect Expires Forwarded From Host ' +
  'If-Match If-Modified-Since If-None-Match If-Range If-Unmodified-Since Keep-Alive Last-Modified Link Location ' +
  'Origin Pragma Priority Proxy-Authorization Proxy-Connection Range Referer Referrer-Policy Retry-After Sec-CH-UA ' +
  'Sec-CH-UA-Mobile Sec-CH-UA-Platform Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User ' +
  'Sec-WebSocket-Accept Sec-WebSocket-Extensions Sec-WebSocket-Key Sec-WebSocket-Protocol Sec-WebSocket-Version ' +
  'Server Server-Timing Set-Cookie Strict-Transport-Security TE Trailer Transfer-Encoding Upgrade ' +
  'Upgrade-Insecure-Requests User-Agent Vary Via WWW-Authenticate X-Content-Type-Options X-Forwarded-For ' +
  'X-Forwarded-Host X-Forwarded-Prefix X-Forwarded-Proto X-Frame-Options X-Powered-By X-Real-IP X-Request-Id ' +
  'X-Requested-With X-XSS-Protection traceparent tracestate';

export interface KnownName {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Bits of `Field`. */
  readonly field: number;
}

/** Hashes differ in these bits at most. */
const TABLE_MASK = 0x3ff;
const TABLE: readonly (readonly KnownName[])[] = nameTable();
const BY_TEXT: ReadonlyMap<string, number> = new Map(TABLE.flat().map(({ text, field }) => [text, field]));

/** One step of a name's hash; the same for both cases of a letter. */
export function hashStep(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + (byte | 0x20)) | 0;
}

/** The known name that stands at `[at, end)` in just this spelling; null where there is none. */
export function findName(bytes: Uint8Array, at: number, end: number, hash: number): KnownName | null {
  const length = end - at;
  for (const known of TABLE[hash & TABLE_MASK]!) {
    const wanted = known.bytes;
    if (wanted.length !== length) continue;
    let i = 0;
    while (i < length && wanted[i] === bytes[at + i]) i += 1;
    if (i === length) return known;
  }
  return null;
}

/** Bits of `Field` of a name in any spelling. */
export function fieldOf(name: string): number {
  return BY_TEXT.get(name) ?? fieldOfSpelling(name);
}

/** For a name in a spelling that is not known: only names of few lengths mean anything. */
export function fieldOfSpelling(name: string): number {
  if (name.length >= 32 || ((FIELD_LENGTHS >>> name.length) & 1) === 0) return Field.OTHER;
  return FIELDS.get(name.toLowerCase()) ?? Field.OTHER;
}

const FIELD_LENGTHS = [...FIELDS.keys()].reduce((bits, { length }) => bits | (1 << length), 0);

function nameTable(): KnownName[][] {
  const table: KnownName[][] = Array.from({ length: TABLE_MASK + 1 }, () => []);
  const spellings = SPELLINGS.split(' ');
  const isMethod = (text: string) => spellings.indexOf(text) < spellings.indexOf('Accept');
  const all = new Set(spellings.flatMap((text) => (isMethod(text) ? [text] : [text, text.toLowerCase()])));
  for (const text of all) {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const hash = bytes.reduce(hashStep, 0);
    table[hash & TABLE_MASK]!.push({ text, bytes, field: FIELDS.get(text.toLowerCase()) ?? Field.OTHER });
  }
  return table;
}
