/** Before anything is sent on: is this a request that we relay, and which session is it for? Pure. */
import { isTarget, isToken, lowerName } from '@sallyport/protocol';
import { Problems } from './problems.ts';
import type { Problem } from './problems.ts';
import { parseHost, route, splitAbsolute } from './route.ts';
import type { Route, RouteTable } from './route.ts';
import { valuesOf } from './fields/values.ts';
import type { EdgePolicy } from './tls/policy.ts';
import type { VisitorRequest } from './visitor/transport.ts';

export interface AdmissionLimits {
  readonly targetBytes: number;
  readonly requestHeadLines: number;
  /** 0: no limit. */
  readonly bodyBytes: number;
}

export type Admission =
  | { readonly kind: 'refused'; readonly problem: Problem }
  | { readonly kind: 'redirect'; readonly location: string }
  /** Asked by who makes certificates for us (RFC 8555 §8.3). */
  | { readonly kind: 'challenge'; readonly content: string }
  | { readonly kind: 'admitted'; readonly route: Extract<Route, { kind: 'session' }>; readonly host: string };

/** `edge`: null where there is no TLS. `toldScheme`: what a trusted proxy in front says that the visitor speaks. */
export function admit(
  table: RouteTable,
  limits: AdmissionLimits,
  request: VisitorRequest,
  edge: EdgePolicy | null = null,
  toldScheme: string | null | undefined = null,
): Admission {
  const { method, fields } = request;
  if (!isToken(method)) return refused(Problems.badRequest);
  if (method === 'TRACE' || method === 'CONNECT') return refused(Problems.badMethod);
  if (fields.length / 2 > limits.requestHeadLines) return refused(Problems.headTooLarge);
  if (request.target.length > limits.targetBytes) return refused(Problems.targetTooLong);
  const said = wordsOf(fields);
  if (limits.bodyBytes > 0 && said.contentLength > limits.bodyBytes) return refused(Problems.bodyTooLarge);
  if (!said.isMeetable) return refused(Problems.expectation);
  // RFC 9112 §3.2.4: of OPTIONS no path means all of the server.
  const absolute = splitAbsolute(request.target, method === 'OPTIONS' ? '*' : '/');
  const target = absolute?.target ?? request.target;
  if (!isTarget(target) || !(target.startsWith('/') || (target === '*' && method === 'OPTIONS'))) {
    return refused(Problems.badTarget);
  }
  // RFC 9112 §3.2: exactly one, except that HTTP/1.0 did not have it.
  if (said.hosts > 1 || (said.hosts === 0 && request.httpVersion !== '1.0')) return refused(Problems.badHost);
  const own = parseHost(said.hosts === 0 ? 'localhost' : said.host);
  const authority = absolute === null ? own : parseHost(absolute.authority);
  if (own === null || authority === null) return refused(Problems.badHost);
  const atEdge = edge === null ? null : passEdge(edge, request, toldScheme, authority.host, target);
  if (atEdge !== null) return atEdge;
  const found = route(table, authority.host, target);
  if (found.kind === 'none') return refused(Problems.noRoute);
  if (found.kind === 'redirect') return found;
  const lacking = edge === null ? null : edge.certificate(request.peer, authority.host, found.session);
  if (lacking !== null) return refused(lacking);
  return { kind: 'admitted', route: found, host: authority.value };
}

/** Null: nothing there against it. */
function passEdge(
  edge: EdgePolicy,
  { peer }: VisitorRequest,
  toldScheme: string | null | undefined,
  host: string,
  target: string,
): Admission | null {
  const content = edge.challenge(target);
  if (content !== null) return { kind: 'challenge', content };
  const problem = edge.misdirected(peer, host);
  if (problem !== null) return refused(problem);
  const location = edge.redirect(peer, toldScheme, host, target);
  return location === null ? null : { kind: 'redirect', location };
}

function refused(problem: Problem): Admission {
  return { kind: 'refused', problem };
}

/** What admission asks the fields, found in one go over them. */
interface Words {
  hosts: number;
  host: string;
  contentLength: number;
  /** Nothing is expected but 100-continue (RFC 9110 §10.1.1). */
  isMeetable: boolean;
}

function wordsOf(fields: readonly string[]): Words {
  const words: Words = { hosts: 0, host: '', contentLength: 0, isMeetable: true };
  for (let i = 0; i < fields.length; i += 2) {
    const lower = lowerName(fields[i]!);
    const value = fields[i + 1]!;
    if (lower === 'host') {
      words.hosts += 1;
      words.host = value;
    } else if (lower === 'content-length') words.contentLength = Math.max(words.contentLength, Number(value));
    else if (lower === 'expect' && value !== '' && value.toLowerCase() !== '100-continue') words.isMeetable = false;
  }
  return words;
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** What the visitor sent as X-Request-Id, if there is one and it is fit to be repeated. */
export function requestIdOf(fields: readonly string[]): string | null {
  const values = valuesOf(fields, 'x-request-id');
  return values.length === 1 && REQUEST_ID.test(values[0]!) ? values[0]! : null;
}
