/** The fields of an HTTP/2 request as a request like any other (RFC 9113 §8.3, RFC 8441). Pure. */
import { randomBytes } from 'node:crypto';
import { isTrimmed } from '@sallyport/protocol';
import type { Refusal } from './transport.ts';

export interface Http2Head {
  readonly method: string;
  readonly target: string;
  /** Flat, as they came, `:authority` as `host` before them. */
  readonly fields: readonly string[];
  /** As its content-length says; −1 where it does not. */
  readonly contentLength: number;
  /** Its `Sec-WebSocket-Key`, made here, where this is an extended CONNECT that became an upgrade; '' for any other. */
  readonly webSocketKey: string;
  /** Uncompressed, as HTTP/1.1 counts them. */
  readonly bytes: number;
}

/** What a request head adds to its names and values: the separators of HTTP/1.1. */
const FIELD_BYTES = 4;
const COLON = 0x3a;
const KEY_BYTES = 16;

/** What an HTTP/1.1 upgrade has and an extended CONNECT does not (RFC 8441 §5), or not for the other end. */
const OF_HANDSHAKE: ReadonlySet<string> = new Set(['content-length', 'sec-websocket-key', 'sec-websocket-accept']);
/** RFC 9113 §8.2.2. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/**
 * `raw`: flat, names in lower case, the pseudo-fields among them. What is wrong with hosts, methods and targets in any
 * version of HTTP is left to admission: a `host` that differs from `:authority` stands beside it in `fields`.
 */
export function readHttp2Head(raw: readonly string[], maxBytes: number): Http2Head | Refusal {
  const pseudo = { method: '', scheme: '', path: '', protocol: '' };
  const fields: string[] = [];
  let authority: string | null = null;
  let contentLength = -1;
  let bytes = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    bytes += name.length + value.length + FIELD_BYTES;
    if (name.charCodeAt(0) !== COLON) {
      if (OF_CONNECTION.has(name)) return CONNECTION_FIELD;
      if (!isTrimmed(value)) return VALUE;
      if (name === 'host' && isSame(authority, value)) continue;
      if (name === 'content-length') contentLength = Number(value);
      fields.push(name, value);
    } else if (name === ':authority') {
      authority = value;
      fields.unshift('host', value);
    } else if (name === ':method') pseudo.method = value;
    else if (name === ':path') pseudo.path = value;
    else if (name === ':scheme') pseudo.scheme = value;
    else if (name === ':protocol') pseudo.protocol = value;
    else return PSEUDO_FIELD;
  }
  if (bytes > maxBytes) return TOO_LARGE;
  const { method, scheme, path, protocol } = pseudo;
  const head: Http2Head = { method, target: path, fields, contentLength, webSocketKey: '', bytes };
  if (method === 'CONNECT' && protocol === '') return head;
  if (scheme !== 'http' && scheme !== 'https') return SCHEME;
  // Here an absolute target would be a second authority.
  if (!path.startsWith('/') && path !== '*') return PATH;
  if (protocol === '') return head;
  return method === 'CONNECT' ? extendedConnect(head, protocol) : PSEUDO_FIELD;
}

export function isRefusal(read: Http2Head | Refusal): read is Refusal {
  return 'rule' in read;
}

/** RFC 9113 §8.3.1: a `host` that says the same as `:authority` says nothing. */
function isSame(authority: string | null, host: string): boolean {
  return authority !== null && (authority === host || authority.toLowerCase() === host.toLowerCase());
}

/** RFC 8441 §5: the opening of a WebSocket, as HTTP/1.1 asks for it. */
function extendedConnect(head: Http2Head, protocol: string): Http2Head | Refusal {
  if (protocol.toLowerCase() !== 'websocket') return PROTOCOL;
  const webSocketKey = randomBytes(KEY_BYTES).toString('base64');
  const raw = head.fields;
  const fields: string[] = [];
  let hasVersion = false;
  for (let i = 0; i < raw.length; i += 2) {
    if (OF_HANDSHAKE.has(raw[i]!)) continue;
    hasVersion ||= raw[i] === 'sec-websocket-version';
    fields.push(raw[i]!, raw[i + 1]!);
  }
  fields.push('connection', 'Upgrade', 'upgrade', 'websocket', 'sec-websocket-key', webSocketKey);
  if (!hasVersion) fields.push('sec-websocket-version', '13');
  return { ...head, method: 'GET', fields, contentLength: -1, webSocketKey };
}

function refusal(code: string, rule: string, text: string, status: Refusal['status'] = 400): Refusal {
  return { code, rule, text, status };
}

const CONNECTION_FIELD = refusal(
  'connection-field',
  'RFC 9113 §8.2.2',
  'a field of one connection has no place in HTTP/2',
);
const PSEUDO_FIELD = refusal('pseudo-field', 'RFC 9113 §8.3', 'a pseudo-field is unknown, or not for this request');
const VALUE = refusal('bad-value', 'RFC 9113 §8.2.1', 'a field value begins or ends with a space or tab');
const SCHEME = refusal('bad-scheme', 'RFC 9113 §8.3.1', ':scheme is neither http nor https');
const PATH = refusal('bad-path', 'RFC 9113 §8.3.1', ':path does not begin with a slash');
const TOO_LARGE = refusal('head-too-large', 'RFC 6585 §5', 'the head is too large', 431);
const PROTOCOL = refusal('unknown-protocol', 'RFC 8441 §4', ':protocol is not websocket', 501);
