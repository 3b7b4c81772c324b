/** What a request of HTTP/2 is, by RFC 9113 §8: the same as one of HTTP/1.1, or malformed. */
import type { ExpectedRequest } from './expected.ts';
import type { H2Request } from './h2-case.ts';
import { judge, PSEUDONYM } from './passes.ts';
import { isToken, values } from './rfc9112.ts';
import type { Line, Reading, Request } from './rfc9112.ts';

const PSEUDO = [':method', ':scheme', ':authority', ':path'];
/** RFC 9113 §8.2.2. */
const OF_CONNECTION = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

export function readH2(request: H2Request): ExpectedRequest {
  const reading = readH2Request(request);
  if (reading.message === null) return { reading, verdict: null };
  return { reading, verdict: { ...judge(reading.message), via: `2 ${PSEUDONYM}`, closes: 'no' } };
}

/** A field that is malformed by itself makes its request so (§8.2.1), or is left out, as nghttp2 does it in silence. */
function isLeftOut([name, value]: Line): boolean {
  if (name.startsWith(':') || /[A-Z]/.test(name) || name === 'content-length') return false;
  // oxlint-disable-next-line no-control-regex -- these are what must not be there
  return !isToken(name) || /[\0-\x08\x0a-\x1f\x7f]/.test(value) || /^[ \t]|[ \t]$/.test(value);
}

/** RFC 9110 §6.5.1: to be left out of trailers; nghttp2 refuses some. */
function isOfHead([name]: Line): boolean {
  return name === 'content-length' || name === 'host';
}

function readH2Request(sent: H2Request): Reading<Request> {
  const { data, isUnended } = sent;
  const isOdd = [...sent.lines, ...(sent.trailers ?? [])].some(isLeftOut) || (sent.trailers ?? []).some(isOfHead);
  const lines = sent.lines.filter((line) => !isLeftOut(line));
  const trailers = sent.trailers?.filter((line) => !isLeftOut(line)) ?? null;
  const request = { ...sent, lines, trailers };
  const rule = brokenRule(lines);
  if (rule !== null) return { kind: 'wrong', rule: `RFC 9113 ${rule}`, message: null };
  const message = asRequest(request, isOdd ? ['a field that should not be there'] : []);
  const bodyRule =
    trailers === null
      ? null
      : (fieldsRule(trailers) ?? (trailers.some(isPseudo) ? '§8.1 pseudo-field in trailers' : null));
  const came = data.join('').length;
  if (bodyRule !== null) return { kind: 'wrong', rule: `RFC 9113 ${bodyRule}`, message };
  if (message.length >= 0 && (came > message.length || (!isUnended && came !== message.length))) {
    return { kind: 'wrong', rule: 'RFC 9113 §8.1.1 content-length', message };
  }
  return isUnended ? { kind: 'part', message } : { kind: 'whole', message, next: 0 };
}

function isPseudo([name]: Line): boolean {
  return name.startsWith(':');
}

function brokenRule(lines: readonly Line[]): string | null {
  const pseudo = lines.filter(isPseudo);
  if (lines.slice(0, pseudo.length).some((line) => !isPseudo(line))) return '§8.3 pseudo-field behind a field';
  if (pseudo.some(([name]) => !PSEUDO.includes(name))) return '§8.3 unknown pseudo-field';
  if (new Set(pseudo.map(([name]) => name)).size < pseudo.length) return '§8.3 pseudo-field twice';
  for (const name of [':method', ':scheme', ':path']) if (values(lines, name).length === 0) return `§8.3.1 no ${name}`;
  const [method] = values(lines, ':method');
  const [path] = values(lines, ':path');
  if (!isToken(method!)) return '§8.3.1 :method';
  if (!/^https?$/.test(values(lines, ':scheme')[0]!)) return '§8.3.1 :scheme';
  if (!/^[/*][\x21-\x7e]*$/.test(path!)) return '§8.3.1 :path';
  if (/[^\x21-\x7e]/.test(values(lines, ':authority').join())) return '§8.3.1 :authority';
  const regular = lines.filter((line) => !isPseudo(line));
  return fieldsRule(regular) ?? lengthRule(regular) ?? hostRule(lines);
}

/** RFC 9113 §8.2.1, §8.2.2. */
function fieldsRule(lines: readonly Line[]): string | null {
  for (const [name, value] of lines) {
    if (isPseudo([name, value])) continue;
    if (/[A-Z]/.test(name)) return '§8.2.1 field name';
    if (OF_CONNECTION.has(name)) return '§8.2.2 field of a connection';
    if (name === 'te' && value !== 'trailers') return '§8.2.2 te';
  }
  return null;
}

function lengthRule(lines: readonly Line[]): string | null {
  const lengths = values(lines, 'content-length');
  return lengths.length > 1 || lengths.some((value) => !/^[0-9]{1,15}$/.test(value)) ? '§8.1.1 content-length' : null;
}

/** RFC 9113 §8.3.1: one of them at least, and both the same. */
function hostRule(lines: readonly Line[]): string | null {
  const hosts = values(lines, 'host');
  const authority = values(lines, ':authority')[0] ?? hosts[0];
  if (hosts.length > 1) return '§8.3.1 two hosts';
  return authority === undefined || hosts.some((host) => host.toLowerCase() !== authority.toLowerCase())
    ? '§8.3.1 host'
    : null;
}

/** As it would be in HTTP/1.1: Host from `:authority`, the crumbs of Cookie in one line (RFC 9113 §8.2.3). */
function asRequest({ lines, data, trailers, isUnended }: H2Request, doubts: readonly string[]): Request {
  const regular = lines.filter((line) => !isPseudo(line) && line[0] !== 'host');
  const cookies = values(regular, 'cookie');
  const firstCookie = regular.findIndex(([name]) => name === 'cookie');
  const joined = regular.flatMap((line, i): Line[] => {
    if (line[0] !== 'cookie') return [line];
    return i === firstCookie ? [['cookie', cookies.join('; ')]] : [];
  });
  const hasBody = data.length > 0 || trailers !== null || isUnended;
  const length = Number(values(lines, 'content-length')[0] ?? -1);
  return {
    method: values(lines, ':method')[0]!,
    target: values(lines, ':path')[0]!,
    minor: 1,
    lines: [['host', values(lines, ':authority')[0] ?? values(lines, 'host')[0]!], ...joined],
    framing: hasBody && length < 0 ? 'chunked' : 'none',
    length,
    body: Buffer.from(data.join(''), 'latin1'),
    trailers: trailers ?? [],
    headBytes: lines.reduce((sum, [name, value]) => sum + name.length + value.length, 0),
    doubts,
  };
}
