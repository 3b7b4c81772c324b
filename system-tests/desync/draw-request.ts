/** Draws requests, right ones first; `request-tricks.ts` makes them wrong. */
import type { Random } from '../../packages/protocol/src/testing/random.ts';
import { PREFIX } from './passes.ts';

/** A request in pieces that a trick can take hold of. */
export interface Draft {
  method: string;
  target: string;
  version: string;
  /** Of the request line. */
  end: string;
  /** Each with its end. */
  lines: string[];
  blank: string;
  /** The body as it goes out, in pieces: chunk size, data, end … */
  body: string[];
}

const CR_LF = '\r\n';
/** What must never be read as a request, wherever it stands. */
export const SMUGGLED = `GET ${PREFIX}/smuggled HTTP/1.1\r\nHost: evil\r\n\r\n`;

const METHODS = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'get', 'X-ODD!~'];
const TAILS = ['', 'a', 'a/../b', '//x', '%2F%2e', ';v=1', '?q=%00&r', 'a?b?c', "~!$&'()*+,;=:@", 'session/demo/', '.'];
const LINES = [
  'Accept: */*',
  'accept-encoding: gzip, br',
  'X-Dup: one',
  'X-Dup: two',
  'x-dup:   three  ',
  'X-Empty:',
  'X-Empty: \t ',
  'Cookie: a=b; c=d',
  'cookie: e=f',
  'my_field: passes',
  'X-High: \xe9\xff\x80',
  'Authorization: Basic eDp5',
  'Range: bytes=0-4',
  'If-None-Match: "x", W/"y"',
  'X-Colon: a:b: c',
  'Via: 1.0 fred, 1.1 p.example.net (Apache)',
  'X-Request-Id: r-1',
  'X-Request-Id: not valid',
  'X-Forwarded-For: 6.6.6.6',
  'x-forwarded-host: evil',
  'Forwarded: for=6.6.6.6',
  'X-Forwarded-Prefix: /evil',
  'TE: trailers',
  'TE: gzip;q=1, trailers',
  'Keep-Alive: timeout=5',
  'Proxy-Connection: keep-alive',
  'Connection: keep-alive',
  'Connection: X-Private, X-Dup',
  'connection: Host, Authorization, X-Forwarded-For, Content-Length, Cookie',
  'Connection: Transfer-Encoding, Via, X-Request-Id',
  'X-Private: secret',
  'Client-Cert: :AAAA:',
  'Upgrade: h2c',
  'Date: Tue, 15 Nov 1994 08:12:31 GMT',
  'Content-Type: text/plain',
  'Content_Length: 5',
  'Transfer_Encoding: chunked',
  'X_Forwarded_For: 6.6.6.6',
  'x-forwarded_host: evil',
  'Client_Cert: :AAAA:',
  'Max-Forwards: 0',
  'max-forwards: 3',
  'max-forwards: x',
];
const TRAILERS = ['X-Sum: 1', 'x-sum: 2', 'ETag: "t"', 'X-Empty:', 'x-t: \xff', 'Server-Timing: t;dur=1'];

export function drawRequest(random: Random, place: number): Draft {
  const method = random.pick(METHODS);
  const lines = Array.from({ length: random.spread(0, 9) }, () => random.pick(LINES) + CR_LF);
  const host = `${random.chance(0.2) ? 'host' : 'Host'}: ${random.pick(['a.example', 'b.example:81', '[::1]:8'])}`;
  lines.splice(random.int(lines.length + 1), 0, host + CR_LF);
  const { head, body } = drawBody(random, /^(GET|HEAD|get)$/.test(method) ? 0.2 : 0.9);
  for (const line of head) lines.splice(random.int(lines.length + 1), 0, line + CR_LF);
  const target = `${PREFIX}/${place}/${random.pick(TAILS)}`;
  return { method, target, version: 'HTTP/1.1', end: CR_LF, lines, blank: CR_LF, body };
}

/** Short ones mostly; some hold what would be a request if it stood elsewhere. */
export function drawContent(random: Random): string {
  const kind = random.int(10);
  if (kind < 3) return SMUGGLED;
  if (kind < 5) return `0\r\n\r\n${SMUGGLED}`;
  if (kind < 6) return random.bytes(random.spread(1, 60_000)).toString('latin1');
  return random.bytes(random.spread(0, 200)).toString('latin1');
}

function drawBody(random: Random, chance: number): { head: string[]; body: string[] } {
  if (!random.chance(chance)) return { head: random.chance(0.1) ? ['Content-Length: 0'] : [], body: [] };
  const content = drawContent(random);
  if (random.chance(0.5)) return { head: [`Content-Length: ${content.length}`], body: content === '' ? [] : [content] };
  const coding = random.pick(['Transfer-Encoding: chunked', 'transfer-encoding: CHUNKED', 'Transfer-Encoding:chunked']);
  return { head: [coding], body: chunksOf(random, content) };
}

/** `content` as a chunked body. */
export function chunksOf(random: Random, content: string): string[] {
  const pieces: string[] = [];
  const most = Math.max(content.length / 8, random.spread(1, 300));
  for (let at = 0; at < content.length;) {
    const data = content.slice(at, at + random.spread(1, Math.ceil(most)));
    const size = random.chance(0.2) ? `0${data.length.toString(16).toUpperCase()}` : data.length.toString(16);
    const extension = random.chance(0.1) ? random.pick([';a', ';a=b', ' ; a = "\\"x,;" ;c', ';a="0\t"']) : '';
    pieces.push(size + extension + CR_LF, data, CR_LF);
    at += data.length;
  }
  const trailers = Array.from({ length: random.chance(0.3) ? random.int(4) : 0 }, () => random.pick(TRAILERS) + CR_LF);
  return [...pieces, random.chance(0.1) ? `000${CR_LF}` : `0${CR_LF}`, ...trailers, CR_LF];
}

export function partsOf({ method, target, version, end, lines, blank, body }: Draft): string[] {
  return [`${method} ${target} ${version}${end}`, ...lines, blank, ...body];
}
