/**
 * What a head must be at the other end: the field rules stated once more, from RFC 9110 and the reference, apart from
 * the code that carries them out. Where the reference leaves a choice, both are taken.
 */
import { isToken, members, values, withoutOws } from './rfc9112.ts';
import type { Line, Request, Response } from './rfc9112.ts';

export const SESSION = 'demo';
export const PREFIX = `/session/${SESSION}`;
export const PSEUDONYM = 'sallyport-local';
const MAX_VIA_ENTRIES = 10;

/** Of one connection (RFC 9110 §7.6.1). */
const OF_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade']);
/** Made anew at the entry, or dropped there: what a visitor wrote is not there. */
const REBUILT = new Set([
  'host',
  'via',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-prefix',
  'x-real-ip',
  'x-request-id',
  'proxy-authorization',
  'client-cert',
  'client-cert-chain',
]);
/** What nominating does not erase; those made anew aside. */
const KEPT = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'content-length',
  'content-type',
  'content-encoding',
  'content-range',
  'expect',
  'trailer',
]);
/** In a spelling such as `Content_Length` these are lies for a backend that reads `_` as `-`. */
const LIES = new Set([...OF_HOP, ...REBUILT, 'content-length'].filter((name) => name.includes('-')));
/** Nothing that a trailer may say (RFC 9110 §6.5.1): framing, routing, authentication, modifiers, and what is ours. */
const NOT_IN_TRAILERS = new Set([
  ...OF_HOP,
  ...REBUILT,
  'content-length',
  'content-type',
  'content-encoding',
  'content-range',
  'trailer',
  'expect',
  'authorization',
  'cookie',
  'set-cookie',
  'cache-control',
  'max-forwards',
  'pragma',
  'range',
  'if-match',
  'date',
  'vary',
]);

const UNRESERVED = "A-Za-z0-9\\-._~!$&'()*+,;=";
const HOST = new RegExp(`^(?:\\[[0-9A-Fa-f:.]+\\]|(?:[${UNRESERVED}]|%[0-9A-Fa-f]{2})+)(?::[0-9]{0,5})?$`);

/** What a request comes to at the entry. */
export interface Verdict {
  /** `either`: it may be refused. */
  readonly kind: 'admit' | 'refuse' | 'either';
  readonly why: string;
  /** As the backend must see them. */
  readonly target: string;
  readonly host: string;
  readonly isUpgrade: boolean;
  /** What the entry adds to Via. */
  readonly via: string;
  /** Whether the connection ends with its answer. */
  readonly closes: 'yes' | 'no' | 'maybe';
}

export function judge(request: Request): Verdict {
  const { target, host } = destination(request);
  const isUpgrade = asksForUpgrade(request);
  const via = `1.${request.minor} ${PSEUDONYM}`;
  const base = { target, host, isUpgrade, via, closes: persistence(request, isUpgrade) };
  const refusal = whyRefused(request, target);
  if (refusal !== null) return { ...base, kind: 'refuse', why: refusal };
  const doubt = whyDoubted(request, target);
  return { ...base, kind: doubt === null ? 'admit' : 'either', why: doubt ?? '' };
}

/** RFC 9112 §3.2.2: an absolute form names the host. */
function destination({ target, lines }: Request): { target: string; host: string } {
  const absolute = /^https?:\/\/([^/?#]+)(.*)$/i.exec(target);
  const own = values(lines, 'host')[0] ?? 'localhost';
  const [path, host] = absolute === null ? [target, own] : [absolute[2]!, absolute[1]!];
  return { target: path.startsWith(`${PREFIX}/`) ? path.slice(PREFIX.length) : '', host };
}

function whyRefused(request: Request, target: string): string | null {
  const { method, lines } = request;
  if (method === 'TRACE' || method === 'CONNECT') return 'method';
  const hosts = values(lines, 'host');
  if (hosts.length > 1 || (hosts.length === 0 && request.minor === 1)) return 'number of Hosts';
  if (hosts.some((host) => !HOST.test(host)) || !HOST.test(destination(request).host)) return 'Host';
  if (target === '' || /[#\\]/.test(target)) return 'target';
  if (forwardsOf(request) === 0) return 'as far as it was to come';
  const via = members(lines, 'via');
  if (via.length > MAX_VIA_ENTRIES || via.some((entry) => entry.split(/[ \t]+/)[1] === PSEUDONYM)) return 'loop';
  const expected = members(lines, 'expect');
  return request.minor === 1 && expected.some((member) => member !== '100-continue') ? 'expectation' : null;
}

/** RFC 9110 §7.6.2: what Max-Forwards allows; null where nobody heeds it. */
function forwardsOf({ method, lines }: Request): number | null {
  const numbers = values(lines, 'max-forwards').filter((value) => /^[0-9]+$/.test(value));
  return method === 'OPTIONS' && numbers.length > 0 ? Math.min(...numbers.map(Number)) : null;
}

/** Where limits of ours, or choices that the RFC leaves, may refuse it. */
function whyDoubted(request: Request, target: string): string | null {
  const { lines, headBytes, trailers, doubts } = request;
  if (doubts.length > 0) return doubts[0]!;
  if (headBytes > 60_000 || lines.length > 980) return 'a large head';
  if (trailers.length > 900 || trailers.flat().join().length > 50_000) return 'many trailers';
  if (target.length > 7_000) return 'a long target';
  if (/["<>^`{|}]/.test(target)) return 'a target that is no URI';
  const expected = values(lines, 'expect');
  if (expected.length > 1 || expected.some((value) => value.toLowerCase() !== '100-continue')) {
    return 'expectations';
  }
  if (values(lines, 'via').join().includes(',,')) return 'empty members of Via';
  return null;
}

function asksForUpgrade({ method, minor, lines, framing }: Request): boolean {
  if (method !== 'GET' || minor !== 1 || framing !== 'none') return false;
  const wanted = members(lines, 'upgrade');
  // That is never offered to a backend, not even within what is no token.
  if (wanted.some((each) => /\bh2c\b/.test(each))) return false;
  return wanted.length > 0 && members(lines, 'connection').includes('upgrade');
}

function persistence({ minor, lines }: Request, isUpgrade: boolean): Verdict['closes'] {
  const options = members(lines, 'connection');
  if (options.includes('close')) return 'yes';
  if (minor === 0) return options.includes('keep-alive') ? 'maybe' : 'yes';
  return isUpgrade ? 'maybe' : 'no';
}

/** The backend's reading of a head beside the visitor's; what is wrong, or null. `from`: the visitor's address. */
export function headDiffers(sent: Request, verdict: Verdict, seen: Request, from: string): string | null {
  const { method, target } = seen;
  if (method !== sent.method) return `method ${method}, not ${sent.method}`;
  if (target !== verdict.target) return `target ${target}, not ${verdict.target}`;
  const forwards = forwardsOf(sent);
  const isPassed = ([name]: Line) => forwards === null || name.toLowerCase() !== 'max-forwards';
  if (forwards !== null && values(seen.lines, 'max-forwards').join() !== String(forwards - 1)) {
    return `max-forwards is ${values(seen.lines, 'max-forwards').join()}, not ${forwards - 1}`;
  }
  const fields = listsDiffer(ordered(sent.lines).filter(isPassed), ordered(seen.lines).filter(isPassed), 'field');
  return fields ?? oursDiffer(sent, verdict, seen.lines, from);
}

/** Of a body with its trailers. */
export function bodyDiffers(sent: Request, seen: Request): string | null {
  if (!seen.body.equals(sent.body)) return `a body of ${seen.body.length} bytes, not these ${sent.body.length}`;
  return trailersDiffer(sent, seen);
}

/** End-to-end fields that keep their order and spelling. */
function ordered(lines: readonly Line[]): Line[] {
  const nominated = new Set(members(lines, 'connection').filter((name) => !KEPT.has(name)));
  return lines.filter(([name]) => {
    const lower = name.toLowerCase();
    if (REBUILT.has(lower) || OF_HOP.has(lower) || lower === 'content-length' || isLie(lower)) return false;
    return !nominated.has(lower);
  });
}

function isLie(lower: string): boolean {
  const read = lower.replaceAll(/[^a-z0-9]/g, '-');
  return LIES.has(read) || read.startsWith('x-forwarded-');
}

function show(line: Line | undefined): string {
  return line === undefined ? 'nothing' : JSON.stringify(line.join(': '));
}

function listsDiffer(wanted: readonly Line[], seen: readonly Line[], what: string): string | null {
  for (let i = 0; i < Math.max(wanted.length, seen.length); i += 1) {
    if (wanted[i]?.[0] !== seen[i]?.[0] || wanted[i]?.[1] !== seen[i]?.[1]) {
      return `${what} ${i} is ${show(seen[i])}, not ${show(wanted[i])}`;
    }
  }
  return null;
}

/** The fields that the entry answers for. */
function oursDiffer(sent: Request, verdict: Verdict, seen: readonly Line[], from: string): string | null {
  const one: [string, string][] = [
    ['host', verdict.host],
    ['x-forwarded-for', from],
    ['x-forwarded-proto', 'http'],
    ['x-forwarded-host', verdict.host],
    ['x-forwarded-prefix', PREFIX],
    ['forwarded', `for=${from};host="${verdict.host}";proto=http`],
  ];
  for (const [name, wanted] of one) {
    const found = values(seen, name);
    if (found.length !== 1 || found[0] !== wanted) return `${name} is ${JSON.stringify(found)}, not ${wanted}`;
  }
  const via = values(seen, 'via').join(', ');
  const wantedVia = [...values(sent.lines, 'via'), verdict.via].join(', ');
  if (via !== wantedVia) return `via is ${via}, not ${wantedVia}`;
  const asked = values(sent.lines, 'x-request-id');
  const ids = values(seen, 'x-request-id');
  const isKept = asked.length !== 1 || !/^[A-Za-z0-9._:-]{1,128}$/.test(asked[0]!) || ids[0] === asked[0];
  if (ids.length !== 1 || !isToken(ids[0]!.replaceAll(':', '')) || !isKept)
    return `x-request-id is ${ids.join(' and ')}`;
  return ofHopDiffer(sent, verdict, seen);
}

function ofHopDiffer(sent: Request, { isUpgrade }: Verdict, seen: readonly Line[]): string | null {
  // RFC 9110 §10.1.4: the one thing that TE says of the message, and not of the connection; Connection names it.
  const te = values(seen, 'te').join(' and ').toLowerCase();
  const wantedTe = members(sent.lines, 'te').includes('trailers') ? 'trailers' : '';
  const isNearly = te === 'trailers' && members(sent.lines, 'te').some((member) => member.startsWith('trailers'));
  if (te !== wantedTe && !isNearly) return `te is “${te}”, not “${wantedTe}”`;
  const options = members(seen, 'connection').filter((option) => option !== 'keep-alive' && option !== 'close');
  const wanted = [...(te === '' ? [] : ['te']), ...(isUpgrade ? ['upgrade'] : [])];
  if (options.toSorted().join() !== wanted.join()) return `connection is ${options.join()}, not ${wanted.join()}`;
  const upgrade = values(seen, 'upgrade').join(', ');
  const wantedUpgrade = isUpgrade ? values(sent.lines, 'upgrade').join(', ') : '';
  if (upgrade !== wantedUpgrade) return `upgrade is ${upgrade}, not ${wantedUpgrade}`;
  for (const name of ['keep-alive', 'proxy-connection']) {
    if (values(seen, name).length > 0) return `${name} is there`;
  }
  return null;
}

/** They go where the body goes in chunks; elsewhere there is no place for them. */
function trailersDiffer(sent: Request, seen: Request): string | null {
  if (seen.framing !== 'chunked') return sent.framing === 'chunked' ? 'the body has no chunks any more' : null;
  return listsDiffer(trailersOf(sent), seen.trailers, 'trailer');
}

function trailersOf({ trailers }: Request | Response): Line[] {
  return trailers.filter(([name]) => !NOT_IN_TRAILERS.has(name.toLowerCase()) && !isLie(name.toLowerCase()));
}

/** The visitor's reading of an answer beside the backend's; `toMinor`: the visitor's version. */
export function differsAtVisitor(sent: Response, seen: Response, toMinor: number, isBodyWhole: boolean): string | null {
  if (seen.status !== sent.status) return `status ${seen.status}, not ${sent.status}`;
  if (seen.reason !== sent.reason) return `reason ${seen.reason}, not ${sent.reason}`;
  const isPrefix = sent.body.subarray(0, seen.body.length).equals(seen.body);
  if (!isPrefix || (isBodyWhole && seen.body.length !== sent.body.length)) {
    return `a body of ${seen.body.length} bytes, not these ${sent.body.length}`;
  }
  const fields = listsDiffer(orderedAnswer(sent.lines), orderedAnswer(ownTaken(seen.lines, sent.lines)), 'field');
  if (fields !== null) return fields;
  const via = [...values(sent.lines, 'via'), `1.1 ${PSEUDONYM}`];
  // What the backend's version was is not carried through the tunnel.
  if (values(seen.lines, 'via').join(', ') !== via.join(', ')) return `via is ${values(seen.lines, 'via').join(', ')}`;
  if (!isBodyWhole || seen.framing !== 'chunked' || toMinor === 0) return null;
  return listsDiffer(trailersOf(sent), seen.trailers, 'trailer');
}

const NOT_COMPARED = new Set([...OF_HOP, 'via', 'x-request-id', 'content-length', 'trailer']);

function orderedAnswer(lines: readonly Line[]): Line[] {
  const nominated = new Set(members(lines, 'connection').filter((name) => !KEPT.has(name)));
  return lines.filter(([name]) => !NOT_COMPARED.has(name.toLowerCase()) && !nominated.has(name.toLowerCase()));
}

/** Without the Server-Timing that is ours, and the Date where the backend gave none. */
function ownTaken(seen: readonly Line[], sent: readonly Line[]): Line[] {
  const timing = seen.findLastIndex(([name, value]) => name === 'Server-Timing' && value.startsWith('entry;dur='));
  const hadDate = values(sent, 'date').length > 0;
  return seen.filter(([name], i) => i !== timing && (hadDate || withoutOws(name).toLowerCase() !== 'date'));
}
