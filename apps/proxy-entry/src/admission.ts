/** Before anything is sent on: is this a request that we relay, and which session is it for? Pure. */
import { isTarget, isToken } from '@sallyport/protocol';
import { Problems } from './problems.ts';
import type { Problem } from './problems.ts';
import { parseHost, route, splitAbsolute } from './route.ts';
import type { Route, RouteTable } from './route.ts';
import { valuesOf } from './forwarding.ts';
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
  | { readonly kind: 'admitted'; readonly route: Extract<Route, { kind: 'session' }>; readonly host: string };

export function admit(table: RouteTable, limits: AdmissionLimits, request: VisitorRequest): Admission {
  const { method, fields } = request;
  if (!isToken(method)) return refused(Problems.badRequest);
  if (method === 'TRACE' || method === 'CONNECT') return refused(Problems.badMethod);
  if (fields.length / 2 > limits.requestHeadLines) return refused(Problems.headTooLarge);
  if (request.target.length > limits.targetBytes) return refused(Problems.targetTooLong);
  if (isOverBodyLimit(fields, limits.bodyBytes)) return refused(Problems.bodyTooLarge);
  const absolute = splitAbsolute(request.target);
  const target = absolute?.target ?? request.target;
  if (!isTarget(target) || !(target.startsWith('/') || (target === '*' && method === 'OPTIONS'))) {
    return refused(Problems.badTarget);
  }
  const hosts = valuesOf(fields, 'host');
  // RFC 9112 §3.2: exactly one, except that HTTP/1.0 did not have it.
  if (hosts.length > 1 || (hosts.length === 0 && request.httpVersion !== '1.0')) return refused(Problems.badHost);
  const own = parseHost(hosts[0] ?? 'localhost');
  const authority = absolute === null ? own : parseHost(absolute.authority);
  if (own === null || authority === null) return refused(Problems.badHost);
  const found = route(table, authority.host, target);
  if (found.kind === 'none') return refused(Problems.noRoute);
  if (found.kind === 'redirect') return found;
  return { kind: 'admitted', route: found, host: authority.value };
}

function refused(problem: Problem): Admission {
  return { kind: 'refused', problem };
}

function isOverBodyLimit(fields: readonly string[], bodyBytes: number): boolean {
  return bodyBytes > 0 && valuesOf(fields, 'content-length').some((value) => Number(value) > bodyBytes);
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** What the visitor sent as X-Request-Id, if there is one and it is fit to be repeated. */
export function requestIdOf(fields: readonly string[]): string | null {
  const values = valuesOf(fields, 'x-request-id');
  return values.length === 1 && REQUEST_ID.test(values[0]!) ? values[0]! : null;
}
