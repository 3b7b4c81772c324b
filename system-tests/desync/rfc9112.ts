/**
 * A second reading of RFC 9112, written from its text and at leisure: all bytes so far are looked at anew each time, as
 * one string. Strict wherever the RFC leaves a choice; `doubts` names what a stricter reader may refuse. It shares
 * nothing with the product's codec, so that the two do not make the same mistake.
 */

/** Name and value of one line, as they stand. */
export type Line = readonly [name: string, value: string];
export type BodyEnd = 'none' | 'length' | 'chunked' | 'close';

interface Message {
  /** 0 or 1. */
  readonly minor: number;
  readonly lines: readonly Line[];
  readonly framing: BodyEnd;
  /** What was said of the length; −1: nothing. */
  readonly length: number;
  /** So much of it as there is. */
  readonly body: Buffer;
  readonly trailers: readonly Line[];
  /** Of the head, with its empty line. */
  readonly headBytes: number;
  /** Why a reader may refuse what this one takes. */
  readonly doubts: readonly string[];
}

export interface Request extends Message {
  readonly method: string;
  readonly target: string;
}

export interface Response extends Message {
  readonly status: number;
  readonly reason: string;
}

/** `part`: the bytes end before the message does. `message` is null as long as its head is not there, or wrong. */
export type Reading<Kind> =
  | { readonly kind: 'whole'; readonly message: Kind; readonly next: number }
  | { readonly kind: 'part'; readonly message: Kind | null }
  | { readonly kind: 'wrong'; readonly rule: string; readonly message: Kind | null };

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e]+) HTTP/1\\.([0-9])$`);
const STATUS_LINE = /^HTTP\/1\.([0-9]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const FIELD_LINE = new RegExp(`^(${TOKEN}):([\\t\\x20-\\x7e\\x80-\\xff]*)$`);
/** RFC 9112 §7.1.1, with BWS. */
const EXTENSIONS = new RegExp(
  `^(?:[ \\t]*;[ \\t]*${TOKEN}(?:[ \\t]*=[ \\t]*(?:${TOKEN}|"(?:[\\t\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"))?)*$`,
);
/** What there may be of it without harm to where the line ends. */
const LIKE_EXTENSIONS = /^[ \t]*;[\t\x20-\x7e\x80-\xff]*$/;
/** Beyond these a reader may have a limit of its own. */
const COMMON = { sizeDigits: 13, lengthDigits: 15, extensionBytes: 4_000, emptyLines: 1 } as const;

export function isToken(text: string): boolean {
  return new RegExp(`^${TOKEN}$`).test(text);
}

/** All values of a field, in order. `lower`: its name in lower case. */
export function values(lines: readonly Line[], lower: string): string[] {
  return lines.filter(([name]) => name.toLowerCase() === lower).map(([, value]) => value);
}

/** The members of a list field over all its lines (RFC 9110 §5.6.1), in lower case, empty ones left out. */
export function members(lines: readonly Line[], lower: string): string[] {
  return values(lines, lower)
    .flatMap((value) => value.split(','))
    .map((member) => withoutOws(member).toLowerCase())
    .filter((member) => member !== '');
}

export function withoutOws(text: string): string {
  return text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '');
}

/** One request from `at` on. */
export function readRequest(bytes: Buffer, at = 0): Reading<Request> {
  const doubts: string[] = [];
  let from = at;
  // RFC 9112 §2.2: at least one empty line before it is to be ignored.
  while (bytes[from] === 0x0d && bytes[from + 1] === 0x0a) from += 2;
  if ((from - at) / 2 > COMMON.emptyLines) doubts.push('more than one empty line before it');
  const section = readSection(bytes, from);
  if (section === null) return { kind: 'part', message: null };
  const [first = '', ...rest] = section.lines;
  const start = REQUEST_LINE.exec(first);
  if (start === null) return wrong('§3 request line');
  const lines = fieldLines(rest);
  if (typeof lines === 'string') return wrong(lines);
  const [, method, target, minor] = start as unknown as [string, string, string, string];
  if (Number(minor) > 1) doubts.push('a higher minor version');
  const framed = requestFraming(lines, Math.min(1, Number(minor)), doubts);
  if (typeof framed === 'string') return wrong(framed);
  const headBytes = section.next - from;
  const head = { method, target, minor: Math.min(1, Number(minor)), lines, headBytes, ...framed };
  return readBody(bytes, section.next, head, doubts, false);
}

/** One answer from `at` on, to a request of `method`; `hasEnded`: no more bytes will come. */
export function readResponse(bytes: Buffer, at: number, method: string, hasEnded: boolean): Reading<Response> {
  const doubts: string[] = [];
  const section = readSection(bytes, at);
  if (section === null) return { kind: 'part', message: null };
  const [first = '', ...rest] = section.lines;
  const start = STATUS_LINE.exec(first);
  if (start === null) return wrong('§4 status line');
  const lines = fieldLines(rest);
  if (typeof lines === 'string') return wrong(lines);
  const [, minor, code, reason] = start as unknown as [string, string, string, string | undefined];
  if (reason === undefined) doubts.push('no space behind the status');
  if (Number(minor) > 1) doubts.push('a higher minor version');
  const status = Number(code);
  if (status > 599) doubts.push('a status that is none (RFC 9110 §15)');
  const framed = responseFraming(lines, Math.min(1, Number(minor)), status, method, doubts);
  if (typeof framed === 'string') return wrong(framed);
  const headBytes = section.next - at;
  const head = {
    status,
    reason: withoutOws(reason ?? ''),
    minor: Math.min(1, Number(minor)),
    lines,
    headBytes,
    ...framed,
  };
  return readBody(bytes, section.next, head, doubts, hasEnded);
}

function wrong(rule: string): { kind: 'wrong'; rule: string; message: null } {
  return { kind: 'wrong', rule: `RFC 9112 ${rule}`, message: null };
}

/** The lines up to the empty one; null while that has not come. */
function readSection(bytes: Buffer, at: number): { lines: string[]; next: number } | null {
  const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
  if (end === -1) return null;
  return { lines: bytes.toString('latin1', at, end).split('\r\n'), next: end + 4 };
}

/** Or the rule that a line breaks. */
function fieldLines(texts: readonly string[]): Line[] | string {
  const lines: Line[] = [];
  for (const text of texts) {
    if (/^[ \t]/.test(text)) return '§5.2 folded line';
    const match = FIELD_LINE.exec(text);
    if (match === null) return /^[^:]*[ \t]:/.test(text) ? '§5.1 space before the colon' : '§5 field line';
    lines.push([match[1]!, withoutOws(match[2]!)]);
  }
  return lines;
}

type Framed = { readonly framing: BodyEnd; readonly length: number };

/** What Content-Length says; −1: it is not there. Or the rule that it breaks. */
function lengthOf(lines: readonly Line[], doubts: string[]): number | string {
  const lengths = values(lines, 'content-length');
  if (lengths.length === 0) return -1;
  // The RFC lets a reader take several that are the same for one; this one does not.
  if (lengths.length > 1) return '§6.3 two Content-Length';
  if (!/^[0-9]+$/.test(lengths[0]!)) return '§6.3 Content-Length';
  if (lengths[0]!.length > COMMON.lengthDigits) doubts.push('many digits of Content-Length');
  return Number(lengths[0]);
}

/** What Transfer-Encoding comes to: it is not there, it is just `chunked`, or the rule that it breaks. */
function codingOf(lines: readonly Line[], minor: number, doubts: string[]): 'none' | 'chunked' | { rule: string } {
  const said = values(lines, 'transfer-encoding');
  if (said.length === 0) return 'none';
  if (minor === 0) return { rule: '§6.1 Transfer-Encoding in HTTP/1.0' };
  if (values(lines, 'content-length').length > 0) return { rule: '§6.1 Content-Length with Transfer-Encoding' };
  const codings = members(lines, 'transfer-encoding');
  if (codings.length !== 1 || codings[0] !== 'chunked') return { rule: '§6.3 transfer codings' };
  if (said.length > 1 || said[0]!.toLowerCase() !== 'chunked') doubts.push('empty members of Transfer-Encoding');
  return 'chunked';
}

function requestFraming(lines: readonly Line[], minor: number, doubts: string[]): Framed | string {
  const coding = codingOf(lines, minor, doubts);
  if (typeof coding === 'object') return coding.rule;
  const length = lengthOf(lines, doubts);
  if (typeof length === 'string') return length;
  if (coding === 'chunked') return { framing: 'chunked', length };
  return { framing: length > 0 ? 'length' : 'none', length };
}

/** RFC 9112 §6.3, in its order. */
function responseFraming(
  lines: readonly Line[],
  minor: number,
  status: number,
  method: string,
  doubts: string[],
): Framed | string {
  const coding = codingOf(lines, minor, doubts);
  if (typeof coding === 'object') return coding.rule;
  const length = lengthOf(lines, doubts);
  if (typeof length === 'string') return length;
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { framing: 'none', length };
  if (coding === 'chunked') return { framing: 'chunked', length };
  if (length === -1) return { framing: 'close', length };
  return { framing: length > 0 ? 'length' : 'none', length };
}

/** What a body reader found: `next` where it is whole. */
interface BodyReading {
  readonly body: Buffer;
  readonly trailers: readonly Line[];
  readonly next: number | null;
  readonly rule: string | null;
}

const NOTHING = Buffer.alloc(0);

function readBody<Head extends Framed>(
  bytes: Buffer,
  at: number,
  head: Head,
  doubts: string[],
  hasEnded: boolean,
): Reading<Head & Pick<Message, 'body' | 'trailers' | 'doubts'>> {
  const { body, trailers, next, rule } = bodyFrom(bytes, at, head, doubts, hasEnded);
  const message = { ...head, body, trailers, doubts };
  if (rule !== null) return { kind: 'wrong', rule: `RFC 9112 ${rule}`, message };
  return next === null ? { kind: 'part', message } : { kind: 'whole', message, next };
}

function bodyFrom(bytes: Buffer, at: number, head: Framed, doubts: string[], hasEnded: boolean): BodyReading {
  const rest = { trailers: [], rule: null };
  if (head.framing === 'none') return { ...rest, body: NOTHING, next: at };
  if (head.framing === 'close') return { ...rest, body: bytes.subarray(at), next: hasEnded ? bytes.length : null };
  if (head.framing === 'chunked') return readChunks(bytes, at, doubts);
  const end = at + head.length;
  return { ...rest, body: bytes.subarray(at, end), next: end <= bytes.length ? end : null };
}

/** RFC 9112 §7.1. */
function readChunks(bytes: Buffer, at: number, doubts: string[]): BodyReading {
  const pieces: Buffer[] = [];
  let extensionBytes = 0;
  const stop = (rule: string | null) => ({ body: Buffer.concat(pieces), trailers: [], next: null, rule });
  for (;;) {
    const end = bytes.indexOf('\n', at, 'latin1');
    if (end === -1) return stop(null);
    const match = /^([0-9A-Fa-f]+)([^\r\n]*)\r\n$/.exec(bytes.toString('latin1', at, end + 1));
    if (match === null) return stop('§7.1 chunk size');
    const [, digits, extensions] = match as unknown as [string, string, string];
    if (!EXTENSIONS.test(extensions)) {
      if (!LIKE_EXTENSIONS.test(extensions)) return stop('§7.1.1 chunk extensions');
      doubts.push('chunk extensions that are none');
    }
    extensionBytes += extensions.length;
    if (extensionBytes > COMMON.extensionBytes) doubts.push('many chunk extensions');
    if (digits.length > COMMON.sizeDigits) doubts.push('many digits of a chunk size');
    at = end + 1;
    const size = Number.parseInt(digits, 16);
    if (size === 0) return readTrailers(bytes, at, Buffer.concat(pieces));
    pieces.push(bytes.subarray(at, at + size));
    at += size;
    if (at + 1 >= bytes.length) return stop(at < bytes.length && bytes[at] !== 0x0d ? '§7.1 end of a chunk' : null);
    if (bytes[at] !== 0x0d || bytes[at + 1] !== 0x0a) return stop('§7.1 end of a chunk');
    at += 2;
  }
}

/** RFC 9112 §7.1.2. */
function readTrailers(bytes: Buffer, at: number, body: Buffer): BodyReading {
  if (bytes[at] === 0x0d && bytes[at + 1] === 0x0a) return { body, trailers: [], next: at + 2, rule: null };
  const section = readSection(bytes, at);
  if (section === null) return { body, trailers: [], next: null, rule: null };
  const lines = fieldLines(section.lines);
  if (typeof lines === 'string') return { body, trailers: [], next: null, rule: lines };
  return { body, trailers: lines, next: section.next, rule: null };
}
