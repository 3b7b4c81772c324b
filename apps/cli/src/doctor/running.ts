/** Running parts, as their admin ports show them: what they say of themselves, read twice, a second apart. */
import { setTimeout as delay } from 'node:timers/promises';
import { parsePrometheusText, select } from '@sallyport/load-tests';
import type { Sample } from '@sallyport/load-tests';
import { clockSkewMs, judgeClock } from './clock.ts';
import { forEach, partsOf } from './context.ts';
import type { DoctorContext } from './context.ts';
import { fail } from './finding.ts';
import type { Finding } from './finding.ts';
import { judgeRunning } from './judge-running.ts';
import { ask, why } from './reach.ts';
import type { Answer } from './reach.ts';

export interface Readiness {
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

/** A line of the server's `/api/sessions`. */
export interface SessionLine {
  readonly session: string;
  readonly links: number;
  readonly free: number;
  readonly busy: number;
  readonly waiting: number;
}

/** A line of the server's `/api/links`; the last three are those of clients. */
export interface LinkLine {
  readonly kind: string;
  readonly principal: string;
  readonly remote: string;
  readonly session?: string | null;
  readonly isLate?: boolean;
  readonly isEjected?: boolean;
}

/** A line of the entry's `/api/servers`. */
export interface ServerLine {
  readonly server: string;
  readonly isUp: boolean;
}

export interface RunningPart {
  /** `entry at http://127.0.0.1:12003`. */
  readonly where: string;
  readonly readiness: Readiness;
  /** Two readings of its metrics, `apartS` seconds apart. */
  readonly before: readonly Sample[];
  readonly after: readonly Sample[];
  readonly apartS: number;
  readonly sessions: readonly SessionLine[];
  readonly links: readonly LinkLine[];
  readonly servers: readonly ServerLine[];
}

interface Place {
  readonly url: URL;
  /** Somebody asked for this one: that nobody answers there is a fault. */
  readonly isAskedFor: boolean;
}

const CHECK = 'ready';
const APART_MS = 1_000;
/** A server with some ten thousand links; more of it is not judged. */
const BODY_MAX_BYTES = 8 * 1024 * 1024;
const UNREADABLE = 'see its log';
const CREDENTIAL_FIX = 'give --credential-file with an admin credential (sallyport creds add NAME --for admin)';

export async function checkRunning(context: DoctorContext): Promise<Finding[]> {
  return forEach(placesOf(context), (place) => checkPlace(place, context));
}

/** Those that were asked for; without any those of the configuration, which need not run. */
function placesOf({ settings, admin }: DoctorContext): Place[] {
  if (admin.urls.length > 0) return admin.urls.map((url) => ({ url, isAskedFor: true }));
  if (settings === null) return [];
  const parts = partsOf(settings);
  return (['server', 'entry', 'client'] as const).flatMap((part) => {
    const { host, port } = settings.config[part].admin;
    if (!parts.has(part) || port === 0) return [];
    const name = WILDCARDS[host] ?? host;
    const url = new URL(`http://${name.includes(':') ? `[${name}]` : name}:${port}`);
    return [{ url, isAskedFor: false }];
  });
}

const WILDCARDS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

async function checkPlace(place: Place, context: DoctorContext): Promise<Finding[]> {
  const { url } = place;
  const sentMs = context.nowMs();
  const answer = await read(place, '/readyz', context);
  // Whether a port of the configuration is free or somebody else's is told by the check of ports.
  if (!answer.ok) return place.isAskedFor ? [silent(url, answer.code)] : [];
  const readiness = readinessOf(answer.value);
  if (readiness === null) return place.isAskedFor ? [stranger(url)] : [];
  const skew = clockSkewMs(answer.value.headers.date, sentMs, context.nowMs());
  const clock = judgeClock(skew, url.origin).filter(({ status }) => status !== 'ok');
  const running = await readPart(place, readiness, context);
  return Array.isArray(running) ? [...running, ...clock] : [...judgeRunning(running, context.nowMs()), ...clock];
}

/** Findings: it cannot be read. */
async function readPart(place: Place, readiness: Readiness, context: DoctorContext): Promise<RunningPart | Finding[]> {
  const first = await readMetrics(place, context);
  if (!Array.isArray(first)) return [first];
  const firstMs = performance.now();
  await delay(APART_MS);
  const second = await readMetrics(place, context);
  if (!Array.isArray(second)) return [second];
  const apartS = (performance.now() - firstMs) / 1_000;
  const part = select(second, 'sallyport_build_info')[0]?.labels['part'] ?? 'part';
  const list = <Line>(of: string, path: string) =>
    part === of ? readList<Line>(place, path, context) : Promise.resolve([]);
  return {
    where: `${part} at ${place.url.origin}`,
    readiness,
    before: first,
    after: second,
    apartS,
    sessions: await list<SessionLine>('server', '/api/sessions'),
    links: await list<LinkLine>('server', '/api/links'),
    servers: await list<ServerLine>('entry', '/api/servers'),
  };
}

/** A finding where there are none to be had. */
async function readMetrics(place: Place, context: DoctorContext): Promise<Sample[] | Finding> {
  const answer = await read(place, '/metrics', context);
  const where = place.url.origin;
  if (!answer.ok) return fail(CHECK, `${where}: no metrics: ${why(answer.code)}`, UNREADABLE, 'SallyportPartDown');
  const { status, body } = answer.value;
  if (status === 200) return parsePrometheusText(body);
  const refusal = `${where}: its metrics are refused (${status})`;
  if (status === 401) return fail(CHECK, refusal, CREDENTIAL_FIX, 'SP_ADMIN_UNAUTHORIZED');
  if (status === 403) return fail(CHECK, refusal, 'ask by 127.0.0.1 or localhost', 'SP_ADMIN_FOREIGN_PAGE');
  return fail(CHECK, refusal, UNREADABLE);
}

async function readList<Line>(place: Place, path: string, context: DoctorContext): Promise<readonly Line[]> {
  const answer = await read(place, path, context);
  const value = answer.ok && answer.value.status === 200 ? parse(answer.value.body) : null;
  return Array.isArray(value) ? (value as Line[]) : [];
}

function read({ url }: Place, path: string, { timeoutMs, admin }: DoctorContext): ReturnType<typeof ask> {
  const headers = admin.authorization === null ? {} : { Authorization: admin.authorization };
  return ask({ url: new URL(path, url), timeoutMs, headers, bodyMaxBytes: BODY_MAX_BYTES });
}

function readinessOf({ status, body }: Answer): Readiness | null {
  if (status !== 200 && status !== 503) return null;
  const value = parse(body) as Partial<Readiness> | null;
  return typeof value?.checks === 'object' && value.checks !== null ? { checks: value.checks } : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function silent({ origin }: URL, code: string): Finding {
  return fail(CHECK, `${origin}: ${why(code)}`, 'start the part, or correct --admin', 'SallyportPartDown');
}

function stranger({ origin }: URL): Finding {
  return fail(CHECK, `${origin}: answers as no admin port of ours does`, 'let --admin name one (12002, 12003, 12004)');
}
