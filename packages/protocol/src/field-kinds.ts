/** What a name means to us, in whatever spelling it comes: one look-up for each field of a head. */

/** RFC 9110 §5.6.2 `token`. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Bits; a name that we only pass on has none. */
export const FieldKind = {
  /** About one connection (RFC 9110 §7.6.1); RFC 9113 §8.2.2 has the same names. */
  HOP: 1 << 0,
  CONNECTION: 1 << 1,
  TE: 1 << 2,
  UPGRADE: 1 << 3,
  CONTENT_LENGTH: 1 << 4,
  HOST: 1 << 5,
  COOKIE: 1 << 6,
  VIA: 1 << 7,
  /** The way so far, as we rebuild it: Forwarded, X-Forwarded-For, -Proto, -Host and -Prefix. */
  WAY: 1 << 8,
  /** The way so far, in words that we do not write ourselves: the other X-Forwarded-*, X-Real-IP. */
  OTHER_WAY: 1 << 9,
  REQUEST_ID: 1 << 10,
  /** Who the visitor is, as only we may say it (RFC 9440), or what it tells a proxy of itself (RFC 9110 §11.7.2). */
  IDENTITY: 1 << 11,
  /** Reads as one of those above once a backend takes `_`, `.` and the like for `-`. */
  DISGUISE: 1 << 12,
  /** `Connection` cannot take it away: it is about the message or its way. */
  LASTING: 1 << 13,
  /** Must be known before the content, so that it may stand in no trailer section (RFC 9110 §6.5.1). */
  HEAD_ONLY: 1 << 14,
  EXPECT: 1 << 15,
  MAX_FORWARDS: 1 << 16,
  /** W3C Trace Context. */
  TRACE_PARENT: 1 << 17,
  TRACE_STATE: 1 << 18,
} as const;

const { HOP, CONNECTION, TE, UPGRADE, CONTENT_LENGTH, HOST, COOKIE, VIA, WAY, OTHER_WAY } = FieldKind;
const { REQUEST_ID, IDENTITY, DISGUISE, LASTING, HEAD_ONLY, EXPECT, MAX_FORWARDS } = FieldKind;
const { TRACE_PARENT, TRACE_STATE } = FieldKind;

/** Those of one connection have no place in a trailer section either. */
const OF_HOP = HOP | HEAD_ONLY;
const OURS = LASTING | HEAD_ONLY;

const KINDS: ReadonlyMap<string, number> = new Map([
  // The last: RFC 7540 §3.2.1.
  ...named(OF_HOP, 'keep-alive', 'proxy-connection', 'transfer-encoding', 'http2-settings'),
  ...named(OF_HOP | CONNECTION, 'connection'),
  ...named(OF_HOP | TE, 'te'),
  ...named(OF_HOP | UPGRADE, 'upgrade'),
  ...named(OURS | CONTENT_LENGTH, 'content-length'),
  ...named(OURS | HOST, 'host'),
  ...named(OURS | COOKIE, 'cookie'),
  ...named(OURS | VIA, 'via'),
  ...named(OURS | WAY, 'forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-prefix'),
  ...named(OURS | OTHER_WAY, 'x-real-ip'),
  ...named(OURS | REQUEST_ID, 'x-request-id'),
  ...named(HEAD_ONLY | TRACE_PARENT, 'traceparent'),
  ...named(HEAD_ONLY | TRACE_STATE, 'tracestate'),
  ...named(OURS | IDENTITY, 'client-cert', 'client-cert-chain', 'proxy-authorization'),
  // Framing, content format, authentication.
  ...named(LASTING | HEAD_ONLY, 'trailer', 'content-type', 'content-encoding', 'content-range'),
  ...named(LASTING | HEAD_ONLY | EXPECT, 'expect'),
  ...named(LASTING | HEAD_ONLY, 'authorization', 'set-cookie'),
  ...named(HEAD_ONLY, 'proxy-authenticate', 'www-authenticate'),
  // Routing, request modifiers, response controls.
  ...named(HEAD_ONLY | MAX_FORWARDS, 'max-forwards'),
  ...named(HEAD_ONLY, 'range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'),
  ...named(
    HEAD_ONLY,
    'if-range',
    'pragma',
    'cache-control',
    'age',
    'date',
    'expires',
    'location',
    'retry-after',
    'vary',
  ),
]);
const WAY_PREFIX = 'x-forwarded-';
/** What a visitor might slip past us to a backend that reads other spellings as the same. */
const WORTH_DISGUISE = HOP | CONTENT_LENGTH | WAY | OTHER_WAY | REQUEST_ID | IDENTITY;

interface Name {
  readonly lower: string;
  readonly kind: number;
  readonly isToken: boolean;
}

/** Names as they came. Full, it begins anew, so that strangers' names cannot keep the common ones out. */
const known = new Map<string, Name>();
const KNOWN_LIMIT = 1_000;
const KNOWN_CHARACTERS = 64;

/** Bits of `FieldKind`. */
export function kindOf(name: string): number {
  return (known.get(name) ?? learn(name)).kind;
}

/** `name` in lower case; the common ones cost one look-up. */
export function lowerName(name: string): string {
  return (known.get(name) ?? learn(name)).lower;
}

/** Of a name or a method (RFC 9110 §5.6.2). */
export function isToken(text: string): boolean {
  return (known.get(text) ?? learn(text)).isToken;
}

function learn(text: string): Name {
  const lower = text.toLowerCase();
  const name = { lower, kind: kindOfLower(lower), isToken: TOKEN.test(text) };
  if (text.length <= KNOWN_CHARACTERS) {
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.set(text, name);
  }
  return name;
}

function kindOfLower(lower: string): number {
  const kind = plainKind(lower);
  if (kind !== 0 || !/[^a-z0-9-]/.test(lower)) return kind;
  const isDisguise = (plainKind(lower.replace(/[^a-z0-9]/g, '-')) & WORTH_DISGUISE) !== 0;
  return isDisguise ? DISGUISE | HEAD_ONLY : 0;
}

function plainKind(lower: string): number {
  return KINDS.get(lower) ?? (lower.startsWith(WAY_PREFIX) ? OURS | OTHER_WAY : 0);
}

function named(kind: number, ...names: string[]): [string, number][] {
  return names.map((name) => [name, kind]);
}
