import type { ArmPlan, RequestPlan, TraceEntry } from '../engine/plan.ts';
import type { Profile } from '../profiles/profile.ts';
import { isField, isMethod, isOwnField } from '../profiles/request-shape.ts';
import type { ArmName } from '../report/model.ts';
import { DEFAULT_AUTH, authorization } from './credentials.ts';
import type { Signed } from './credentials.ts';
import { dealCards, dealTrace } from './deck.ts';
import type { Card, Shape } from './deck.ts';
import { LoadError, refuse } from './errors.ts';
import type { LoadOptions } from './load-options.ts';
import { inRange } from './ranges.ts';
import { SECRET_FIELDS, shownAddress } from './secrets.ts';
import { DEFAULT_PATH, DEFAULT_WEBSOCKET_PATH, refuseStrangers, wayOf } from './target.ts';
import type { Way } from './target.ts';
import { readTargets } from './targets-file.ts';
import type { FileTarget } from './targets-file.ts';
import { tlsPlan } from './tls-options.ts';

const USER_AGENT = 'sallyport-load';
/** A message of this size is echoed where no body is given. */
const DEFAULT_MESSAGE = { fillBytes: 32 };
const MAX_SPEED = 1000;
const SESSION_PATH = /^\/session\/([^/]+)\//;

/** What is sent whereto, and (for a recorded profile) when. */
export type Traffic = { arms: ArmPlan[]; ways: Way[]; trace: TraceEntry[] | null; signed: Signed[] };

/** @throws LoadError of exit code 2, whose message says how to fix it */
export function chooseTraffic(options: LoadOptions, profile: Profile, seed: number): Traffic {
  const { protocol = 'http1', auth = DEFAULT_AUTH } = options;
  const defaultPath = options.defaultPath ?? (protocol === 'websocket' ? DEFAULT_WEBSOCKET_PATH : DEFAULT_PATH);
  const tunnel = wayOf(options.target, 'target', defaultPath);
  const direct = options.direct === undefined ? null : wayOf(options.direct, 'direct', defaultPath);
  const ways = direct === null ? [tunnel] : [tunnel, direct];
  for (const { url } of ways) refuseStrangers(url, options.yesIRunThisTarget ?? false);
  const sessions = sessionIds(profile, tunnel);
  const signed = (options.credentials ?? []).map((each) => ({ id: each.id, authorization: authorization(each, auth) }));
  const turns: [number, number] = [Math.max(1, sessions.length), Math.max(1, signed.length)];
  const shapes = profile.trace === null ? chooseShapes(options, profile, tunnel) : [];
  const { cards, entries } =
    profile.trace === null
      ? { cards: dealCards(shapes, ...turns, seed), entries: null }
      : dealTrace(profile.trace, ...turns, speedOf(options));
  const common = merged(['user-agent', USER_AGENT], fieldsOf(options.headers ?? {}));
  const request = requestMaker(common, protocol);
  const toTunnel = cards.map((card) => {
    const path = inSession(pathOf(card, tunnel, 'target'), sessions[card.session]);
    return request(card, path, signed[card.credential]?.authorization);
  });
  const arms = [makeArm('tunnel', tunnel, toTunnel, options)];
  if (direct !== null) {
    // The bodies of both arms are the same in turn; without any choice one request says it all.
    const isOne = entries === null && shapes.length === 1 && cards.every(({ body }) => body === cards[0]?.body);
    const paired = isOne ? cards.slice(0, 1) : cards;
    const toDirect = paired.map((card) => withoutSecret(request(card, pathOf(card, direct, 'direct'))));
    arms.push(makeArm('direct', direct, toDirect, options));
  }
  return { arms, ways, trace: entries, signed };
}

function makeArm(name: ArmName, { url }: Way, requests: RequestPlan[], options: LoadOptions): ArmPlan {
  const { protocol = 'http1', tls = {} } = options;
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:';
  const scheme = protocol === 'websocket' ? 'ws' : 'http';
  return {
    name,
    origin: `${scheme}${isSecure ? 's' : ''}://${url.host}`,
    requests,
    protocol,
    tls: isSecure ? tlsPlan(tls, name === 'tunnel') : null,
  };
}

/** The requests that a targets file, the profile or the command line asks for; the first of them that says anything. */
function chooseShapes(options: LoadOptions, profile: Profile, tunnel: Way): Shape[] {
  const { targets, method, body, protocol } = options;
  const isFromFile = targets !== undefined || profile.requests.length > 0;
  if (isFromFile && (method !== undefined || body !== undefined)) {
    throw refuse('--method and --body are said by the file of targets or the profile; leave them out');
  }
  if (targets !== undefined) {
    if (profile.requests.length > 0) throw refuse(`--targets and the requests of profile ${profile.name}: give one`);
    return readTargets(targets).map((target) => fileShape(target, tunnel, targets));
  }
  if (profile.requests.length > 0) {
    return profile.requests.map((each) => ({
      ...each,
      headers: each.headers.flat(),
      body: typeof each.body === 'string' ? Buffer.from(each.body) : each.body,
    }));
  }
  const verb = method ?? (body === undefined || protocol === 'websocket' ? 'GET' : 'POST');
  if (!isMethod(verb)) throw refuse(`--method ${JSON.stringify(verb)} must be such as GET or POST`);
  return [{ method: verb, path: null, headers: [], body: bytes(body), weight: 1 }];
}

/** A file's target must lie below `--target`: only so it is known what to ask the backend itself for. */
function fileShape({ method, url, headers, body, line }: FileTarget, { url: to, place }: Way, file: string): Shape {
  if (place === null || url.origin !== to.origin || !url.pathname.startsWith(place)) {
    const where = `${to.origin}${place ?? '/'}`;
    throw new LoadError(
      'SP_LOAD_TARGETS',
      `${file}:${line}: ${url.origin}${url.pathname} is not below ${where}; --target must be a place, with a slash at its end, that all are below`,
    );
  }
  return { method, path: `/${url.pathname.slice(place.length)}${url.search}`, headers, body, weight: 1 };
}

function pathOf({ path }: Card, { url, place }: Way, role: string): string {
  if (path === null) return url.pathname + url.search;
  if (place !== null) return place + path.slice(1);
  throw refuse(
    `--${role} ${shownAddress(url.origin, url.pathname)} names one resource and the profile has paths of its own; end it with a slash`,
  );
}

function inSession(path: string, session: string | undefined): string {
  return session === undefined ? path : path.replace(SESSION_PATH, `/session/${session}/`);
}

function sessionIds({ sessions, name }: Profile, { url }: Way): string[] {
  if (sessions === null) return [];
  const own = SESSION_PATH.exec(url.pathname)?.[1];
  if (own === undefined) {
    throw refuse(
      `profile ${name} has sessions in rotation; --target must be such as http://127.0.0.1:12000/session/demo/`,
    );
  }
  return typeof sessions === 'number'
    ? Array.from({ length: sessions }, (_, index) => `${own}-${index + 1}`)
    : sessions;
}

/** What opens the tunnel, or is a visitor's secret, is none of the backend's business. */
function withoutSecret({ headers, ...request }: RequestPlan): RequestPlan {
  const isKept = (_: string, at: number): boolean => !SECRET_FIELDS.includes(headers[at - (at % 2)] ?? '');
  return { ...request, headers: headers.filter(isKept) };
}

function requestMaker(everywhere: readonly string[], protocol: ArmPlan['protocol']) {
  /** Equal lists are one list: there may be thousands of requests. */
  const known = new Map<string, string[]>();
  return ({ method, headers, body }: Card, path: string, credential?: string): RequestPlan => {
    const own = credential === undefined ? headers : [...headers, 'authorization', credential];
    const key = own.join('\n');
    const list = known.get(key) ?? merged(everywhere, own);
    known.set(key, list);
    return { method, path, headers: list, body: body ?? (protocol === 'websocket' ? DEFAULT_MESSAGE : null) };
  };
}

/** What a request says itself takes the place of what all say. Cookies are one field (RFC 6265 §5.4). */
function merged(everywhere: readonly string[], own: readonly string[]): string[] {
  const isSaid = (name: string | undefined): boolean => own.some((each, index) => index % 2 === 0 && each === name);
  const all = [...everywhere.filter((_, index) => !isSaid(everywhere[index - (index % 2)])), ...own];
  const isCookie = (index: number): boolean => all[index - (index % 2)] === 'cookie';
  const cookies = all.filter((_, index) => isCookie(index) && index % 2 === 1);
  if (cookies.length < 2) return all;
  return [...all.filter((_, index) => !isCookie(index)), 'cookie', cookies.join('; ')];
}

function fieldsOf(headers: NonNullable<LoadOptions['headers']>): string[] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().flatMap((value) => {
      // Not what was given: it may be a secret without its name.
      if (!isField(name, value)) throw refuse('--header is not a field name with a one-line value; correct it');
      if (isOwnField(name)) throw refuse(`--header ${name} is set by the connection itself; leave it out`);
      return [name.toLowerCase(), value];
    }),
  );
}

function speedOf({ speed = 1 }: LoadOptions): number {
  return inRange(speed, 1 / MAX_SPEED, MAX_SPEED, '--speed');
}

function bytes(body: string | Uint8Array | undefined): Uint8Array | null {
  if (body === undefined) return null;
  return typeof body === 'string' ? Buffer.from(body) : body;
}
