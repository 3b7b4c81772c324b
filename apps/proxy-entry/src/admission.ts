/** Before anything is sent on: is this a request that we relay, and which session is it for? Pure. */
import { FieldKind, isTarget, isToken, kindOf, SUBPROTOCOL } from '@sallyport/protocol';
import { valuesOf } from './fields/values.ts';
import { Problems } from './problems.ts';
import type { Problem } from './problems.ts';
import { parseHost, route, splitAbsolute } from './route.ts';
import type { Route, RouteTable } from './route.ts';
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
  /** To `https`, or to `/session/<id>` with its slash. */
  | { readonly kind: 'redirect'; readonly location: string }
  /** Of who makes certificates for us (RFC 8555 §8.3). */
  | { readonly kind: 'challenge'; readonly content: string }
  /** OPTIONS that comes no further than to us (RFC 9110 §7.6.2). */
  | { readonly kind: 'options' }
  /** Of a part of the tunnel that dials a server through this port. */
  | { readonly kind: 'link' }
  | {
      readonly kind: 'admitted';
      readonly route: Extract<Route, { kind: 'session' }>;
      readonly host: string;
      /** As it goes on; negative: there is none, or it is for others to heed. */
      readonly maxForwards: number;
    };

/** Neither relayed nor refused. */
export type AnsweredHere = Exclude<Admission, { kind: 'admitted' | 'refused' | 'link' }>;

/** `said`: the words of `request`. `edge`: null where there is no TLS. `toldScheme`: what a trusted proxy in front says that the visitor speaks. */
export function admit(
  table: RouteTable,
  limits: AdmissionLimits,
  request: VisitorRequest,
  said: Words,
  edge: EdgePolicy | null = null,
  toldScheme: string | null | undefined = null,
): Admission {
  const { method, fields } = request;
  if (!isToken(method)) return refused(Problems.badRequest);
  if (method === 'TRACE' || method === 'CONNECT') return refused(Problems.badMethod);
  if (fields.length / 2 > limits.requestHeadLines) return refused(Problems.headTooLarge);
  if (request.target.length > limits.targetBytes) return refused(Problems.targetTooLong);
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
  // On every host: what comes there shows a credential of ours, which is no backend's to see.
  if (edge?.isLink(request, target) === true) return LINK;
  if (request.isUpgrade && asksForLink(fields)) return refused(Problems.noRoute);
  const found = route(table, authority.host, target);
  if (found.kind === 'none') return refused(Problems.noRoute);
  if (found.kind === 'redirect') return found;
  const lacking = edge === null ? null : edge.certificate(request.peer, found.session);
  if (lacking !== null) return refused(lacking);
  const forwards = method === 'OPTIONS' ? said.maxForwards : -1;
  if (forwards === 0) return { kind: 'options' };
  return { kind: 'admitted', route: found, host: authority.value, maxForwards: forwards - 1 };
}

const LINK: Admission = { kind: 'link' };

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

/** Whoever does shows a credential of ours, and took the wrong host, path or port. */
function asksForLink(fields: readonly string[]): boolean {
  const offered = valuesOf(fields, 'sec-websocket-protocol').flatMap((value) => value.split(','));
  return offered.some((each) => each.trim() === SUBPROTOCOL);
}

function refused(problem: Problem): Admission {
  return { kind: 'refused', problem };
}

/** What the entry asks the fields of a request, found in one go over them. */
export interface Words {
  hosts: number;
  host: string;
  contentLength: number;
  /** Nothing is expected but 100-continue (RFC 9110 §10.1.1). */
  isMeetable: boolean;
  /** The least of them (RFC 9110 §7.6.2); −1: none that is a number. */
  maxForwards: number;
  requestIds: number;
  /** X-Request-Id, if there is one and it is fit to be repeated. */
  requestId: string | null;
  /** Of all fields of this name; null: there is none. */
  traceParent: string | null;
}

const { HOST, CONTENT_LENGTH, EXPECT, MAX_FORWARDS, REQUEST_ID, TRACE_PARENT } = FieldKind;
const ASKED = HOST | CONTENT_LENGTH | EXPECT | MAX_FORWARDS | REQUEST_ID | TRACE_PARENT;
const REPEATABLE_ID = /^[A-Za-z0-9._:-]{1,128}$/;

export function wordsOf(fields: readonly string[]): Words {
  const words: Words = {
    hosts: 0,
    host: '',
    contentLength: 0,
    isMeetable: true,
    maxForwards: -1,
    requestIds: 0,
    requestId: null,
    traceParent: null,
  };
  for (let i = 0; i < fields.length; i += 2) {
    const kind = kindOf(fields[i]!);
    if ((kind & ASKED) !== 0) note(words, kind, fields[i + 1]!);
  }
  return words;
}

function note(words: Words, kind: number, value: string): void {
  if ((kind & HOST) !== 0) {
    words.hosts += 1;
    words.host = value;
  } else if ((kind & CONTENT_LENGTH) !== 0) {
    words.contentLength = Math.max(words.contentLength, Number(value));
  } else if ((kind & EXPECT) !== 0) {
    if (value !== '' && value.toLowerCase() !== '100-continue') words.isMeetable = false;
  } else if ((kind & REQUEST_ID) !== 0) {
    words.requestIds += 1;
    words.requestId = words.requestIds === 1 && REPEATABLE_ID.test(value) ? value : null;
  } else if ((kind & TRACE_PARENT) !== 0) {
    words.traceParent = words.traceParent === null ? value : `${words.traceParent}, ${value}`;
  } else if (/^\d+$/.test(value)) {
    const forwards = Math.min(Number(value), Number.MAX_SAFE_INTEGER);
    words.maxForwards = words.maxForwards < 0 ? forwards : Math.min(words.maxForwards, forwards);
  }
}
