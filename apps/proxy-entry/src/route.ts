/** Which session a request is for, decided once from the raw target and the host; no I/O. */
import { SESSION_ID_PATTERN } from '@sallyport/config';
import { withoutDot } from './tls/names.ts';

export interface RouteTable {
  /** Host name in lower case, without port → session. */
  readonly hosts: Readonly<Record<string, string>>;
  /** `<id>.<domain>` reaches the session `<id>`. */
  readonly domain?: string;
}

export type Route =
  | {
      readonly kind: 'session';
      readonly session: string;
      /** What the backend is asked for, byte for byte. */
      readonly target: string;
      /** `/session/<id>` where the path chose; empty where the host did. */
      readonly prefix: string;
    }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'none' };

const SESSION_ID = new RegExp(SESSION_ID_PATTERN);
const PATH_PREFIX = '/session/';
const NONE: Route = { kind: 'none' };

/**
 * `target` in origin form (or `*`), `host` without port and in lower case. A host that is ours wins over the path:
 * there `/session/…` belongs to the backend. An encoded or doubled prefix does not match.
 */
export function route(table: RouteTable, host: string, target: string): Route {
  const byHost = sessionOfHost(table, host);
  if (byHost !== null) return { kind: 'session', session: byHost, target, prefix: '' };
  if (!target.startsWith(PATH_PREFIX)) return NONE;
  const end = endOfSegment(target, PATH_PREFIX.length);
  const session = target.slice(PATH_PREFIX.length, end);
  if (!SESSION_ID.test(session)) return NONE;
  if (target[end] !== '/') return { kind: 'redirect', location: `${target.slice(0, end)}/${target.slice(end)}` };
  return { kind: 'session', session, target: target.slice(end), prefix: target.slice(0, end) };
}

function sessionOfHost({ hosts, domain }: RouteTable, host: string): string | null {
  const named = Object.hasOwn(hosts, host) ? hosts[host] : undefined;
  if (named !== undefined) return named;
  if (domain === undefined || !host.endsWith(`.${domain}`)) return null;
  const label = host.slice(0, -domain.length - 1);
  return SESSION_ID.test(label) ? label : null;
}

function endOfSegment(target: string, from: number): number {
  for (let at = from; at < target.length; at += 1) if (target[at] === '/' || target[at] === '?') return at;
  return target.length;
}

export interface Authority {
  /** As it is to stand in `Host`. */
  readonly value: string;
  /** In lower case, without port, without the dot of a full name: what a host is known by, whoever asks. */
  readonly host: string;
}

/** RFC 3986 §3.2.2: an address in brackets or a registered name, and a port. */
const HOST_VALUE = /^(\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::\d{0,5})?$/;

/** A DNS name (RFC 1035 §2.3.4) or address, and a port. */
const MAX_HOST_CHARACTERS = 255 + 6;

/** The last one read: most visitors of an entry name the same host. */
let lastAuthority: Authority = { value: '', host: '' };

/**
 * RFC 9112 §3.2: null where a Host value is not `uri-host [":" port]`. `example.org.` is the host `example.org`, written
 * out in full (RFC 3986 §3.2.2).
 */
export function parseHost(value: string): Authority | null {
  if (value === lastAuthority.value && value !== '') return lastAuthority;
  if (value.length > MAX_HOST_CHARACTERS) return null;
  const match = HOST_VALUE.exec(value);
  if (match === null) return null;
  const host = withoutDot(match[1]!.toLowerCase());
  if (host === '') return null;
  lastAuthority = { value, host };
  return lastAuthority;
}

/**
 * An absolute-form target (RFC 9112 §3.2.2) in two; null for any other form. `noPath`: what it is for where it has none.
 */
export function splitAbsolute(target: string, noPath: '/' | '*' = '/'): { authority: string; target: string } | null {
  if (target.startsWith('/')) return null;
  const match = /^https?:\/\/([^/?#]+)(.*)$/i.exec(target);
  if (match === null) return null;
  const rest = match[2]!;
  if (rest === '') return { authority: match[1]!, target: noPath };
  return { authority: match[1]!, target: rest.startsWith('/') ? rest : `/${rest}` };
}
