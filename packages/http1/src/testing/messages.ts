/** Requests and answers of every kind, right and wrong, for property tests. */
import fc from 'fast-check';

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,20}$/);
const value = fc.stringMatching(/^([\x21-\x7e\xa1-\xff]([\x20-\x7e\t\xa1-\xff]{0,40}[\x21-\x7e\xa1-\xff])?)?$/);
const reserved =
  /^(content-length|transfer-encoding|connection|host|upgrade|expect|trailer|authorization|proxy-authorization|content-encoding|te)$/i;
const name = fc.oneof(
  fc.constantFrom('Accept', 'accept', 'ACCEPT', 'Cookie', 'X-Request-Id', 'Set-Cookie', 'etag', 'Date', 'User-Agent'),
  token.filter((text) => !reserved.test(text)),
);

export const fields = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((pairs) => pairs.flat());
export const body = fc.string({ unit: 'binary', maxLength: 300 }).map((text) => Buffer.from(text).toString('latin1'));
export const method = fc.oneof(fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'), token);
export const target = fc.stringMatching(/^\/[\x21-\x7e]{0,30}$/);

function lines(flat: readonly string[]): string {
  let text = '';
  for (let i = 0; i < flat.length; i += 2) text += `${flat[i]!}: ${flat[i + 1]!}\r\n`;
  return text;
}

/** Pieces of `text` as chunks, some with extensions. */
function chunked(text: string, sizes: readonly number[], trailers: readonly string[]): string {
  let out = '';
  let at = 0;
  for (const size of sizes) {
    const piece = text.slice(at, at + size);
    if (piece === '') break;
    out += `${piece.length.toString(16)}${size % 3 === 0 ? ';a=b; c="d"' : ''}\r\n${piece}\r\n`;
    at += size;
  }
  if (at < text.length) out += `${(text.length - at).toString(16).toUpperCase()}\r\n${text.slice(at)}\r\n`;
  return `${out}0\r\n${lines(trailers)}\r\n`;
}

const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 6 });

const framed = fc.oneof(
  fc.constant('\r\n'),
  body.map((text) => `Content-Length: ${text.length}\r\n\r\n${text}`),
  fc.tuple(body, sizes, fields).map((parts) => `transfer-Encoding: Chunked\r\n\r\n${chunked(...parts)}`),
);

export const request = requestOf(method);
/** With methods that every server has heard of. */
export const plainRequest = requestOf(fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'));

function requestOf(methods: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(methods, target, fc.constantFrom('1.1', '1.1', '1.0'), fields, framed)
    .filter(([, , version, , rest]) => version === '1.1' || !rest.startsWith('t'))
    .map(([verb, path, version, flat, rest]) => `${verb} ${path} HTTP/${version}\r\nHost: a\r\n${lines(flat)}${rest}`);
}

export const response = fc
  .tuple(fc.constantFrom('200 OK', '404', '503 ', '204 No Content', '103 Early', '304 Same'), fields, framed)
  .filter(([status, , rest]) => rest === '\r\n' || /^[245]0[03]/.test(status) || status === '404')
  .map(([status, flat, rest]) => `HTTP/1.1 ${status}\r\n${lines(flat)}${rest}`);

/** What makes messages wrong, or right in an odd way. */
const GRIT = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '\x7f',
  '\xff',
  'chunked',
  'HTTP/1.1',
  'HTTP/2.0',
  '0',
  'f',
  'Content-Length: 5\r\n',
  'Content-Length: 5, 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: x\r\n',
  'Transfer-Encoding : chunked\r\n',
  ' folded\r\n',
  'Connection: close\r\n',
  'Host: b\r\n',
  '0\r\n\r\n',
  'GET / HTTP/1.1\r\n',
];

/** Places where messages are changed: how far into them (0 to 1), what goes in, how much goes out. */
const wounds = fc.array(
  fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(...GRIT), fc.integer({ min: 0, max: 5 })),
  { maxLength: 3 },
);

/** Some messages in a row, whole or hurt. */
export function stream(message: fc.Arbitrary<string>, maxLength = 3): fc.Arbitrary<string> {
  return fc.tuple(fc.array(message, { minLength: 1, maxLength }), wounds).map(([messages, hurts]) => {
    let text = messages.join('');
    for (const [where, grit, out] of hurts) {
      const at = Math.floor(where * text.length);
      text = text.slice(0, at) + grit + text.slice(at + out);
    }
    return text;
  });
}
