/** Running parts, as their admin ports show them: what they say of themselves, read twice, a second apart. */
import { setTimeout as delay } from 'node:timers/promises';
import type { SessionConfig } from '@sallyport/config';
import { parsePrometheusText, select } from '@sallyport/load-tests';
import type { Sample } from '@sallyport/load-tests';
import { linesOf, LISTS, readinessOf } from './admin-answers.ts';
import type { LinkLine, Lists, OfferLine, Readiness, ServerLine, SessionLine } from './admin-answers.ts';
import { clockSkewMs, judgeClock } from './clock.ts';
import { foldConsequences } from './consequences.ts';
import { configurationOf, forEach } from './context.ts';
import type { DoctorContext } from './context.ts';
import { deploymentOf } from './deployment.ts';
import { checkDescriptors } from './descriptors.ts';
import { earlier, fail, foldEarlier, warn } from './finding.ts';
import type { Finding } from './finding.ts';
import { judgeReloaded } from './judge-offers.ts';
import { judgeRunning } from './judge-running.ts';
import { judgeUnknown } from './judge-traffic.ts';
import { judgeMissing } from './missing-part.ts';
import type { Missing } from './missing-part.ts';
import { isOwnAddress } from './own-address.ts';
import { adminPartsOf, placesOf } from './places.ts';
import type { Place } from './places.ts';
import { ask, why } from './reach.ts';

export interface RunningPart {
  /** `entry`, `server`, `client`; what it calls itself. */
  readonly part: string;
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
  /** At the time of the first reading, and of the second. */
  readonly offersBefore: readonly OfferLine[];
  readonly offers: readonly OfferLine[];
}

const CHECK = 'ready';
const APART_MS = 1_000;
/** A server with some ten thousand links; more of it is not judged. */
const BODY_MAX_BYTES = 8 * 1024 * 1024;
const UNREADABLE = 'see its log';
const NO_LINES = '[]';
const CREDENTIAL_FIX = 'give --credential-file with an admin credential (sallyport creds add NAME --for admin)';

/** What one admin port came to. */
interface Look {
  readonly place: Place;
  /** Null: it could not be read, and a finding or `silence` says why. */
  readonly running: RunningPart | null;
  readonly findings: readonly Finding[];
  /** Null: a part of ours answers there. */
  readonly silence: Pick<Missing, 'why' | 'isSilent'> | null;
}

export async function checkRunning(context: DoctorContext): Promise<Finding[]> {
  const { admin } = context;
  const unnamed = { ...context, admin: { ...admin, authorization: null } };
  const looks = await forEach(placesOf(context), async (place) => [
    await lookAt(place, place.isNamed ? context : unnamed),
  ]);
  const parts = looks.flatMap(({ running }) => running ?? []);
  const deployment = deploymentOf(
    parts,
    sessionsOf(context).map(({ id }) => id),
  );
  const judged = looks.flatMap(({ place, running, findings }) => [
    ...(running === null ? [] : judgeRunning(running, deployment, context.nowMs())),
    // Another client of the same session, elsewhere, may have another backend.
    ...(running === null || place.part !== 'client' ? [] : judgeReloaded(running, place.url, sessionsOf(context))),
    ...findings,
  ]);
  const findings = foldConsequences([...judged, ...judgeUnknown(parts, deployment), ...judgeUnlooked(looks, context)]);
  const told = foldEarlier(findings, (all) => ({
    ...earlier(`earlier, and not in the second that was looked at: ${all.join('; ')}`),
    fix: 'where requests are few look again; each code has its page in docs/runbooks',
  }));
  return [...checkDescriptors(context, parts), ...told];
}

function sessionsOf({ settings }: DoctorContext): readonly SessionConfig[] {
  return settings === null ? [] : settings.config.client.sessions;
}

/** Parts of the configuration that nobody answered for. */
function judgeUnlooked(looks: readonly Look[], context: DoctorContext): Finding[] {
  const settings = configurationOf(context);
  if (settings === null) return [];
  const answering = looks.filter(({ silence }) => silence === null);
  const isAskedFor = context.admin.urls.length > 0;
  const missing = adminPartsOf(settings).flatMap((part): Missing[] => {
    if (answering.some(({ place, running }) => part === (running?.part ?? place.part))) return [];
    const look = looks.find(({ place }) => place.part === part);
    const isOther = look !== undefined && look.silence === null;
    const other = isOther ? `another part at ${look.place.url.origin}` : `${part}.admin.port is 0`;
    const reason = isAskedFor ? 'no --admin leads to one' : other;
    return [{ part, ...(look?.silence ?? { why: reason, isSilent: false }) }];
  });
  return judgeMissing(missing, answering.length > 0, settings);
}

async function lookAt(place: Place, context: DoctorContext): Promise<Look> {
  const { url } = place;
  const nothing = (finding: Finding, silence: Look['silence']): Look => {
    return { place, running: null, findings: place.part === null ? [finding] : [], silence };
  };
  const sentMs = context.nowMs();
  // It needs no credential, and until it is known who answers none is shown.
  const answer = await read(place, '/readyz', { ...context, admin: { ...context.admin, authorization: null } });
  if (!answer.ok) {
    const isSilent = answer.code === 'ECONNREFUSED';
    const told = isSilent ? `nothing listens at ${url.origin}` : `no answer at ${url.origin}: ${answer.code}`;
    return nothing(silent(url, answer.code), { why: told, isSilent });
  }
  const readiness = readinessOf(answer.value);
  if (readiness === null) return nothing(stranger(url), { why: `another program at ${url.origin}`, isSilent: false });
  const skew = clockSkewMs(answer.value.headers.date, sentMs, context.nowMs());
  const clock = judgeClock(skew, url.origin).filter(({ status }) => status !== 'ok');
  const around = [...clock, ...(await judgeWay(url, context))];
  const running = await readPart(place, readiness, context);
  if (Array.isArray(running)) return { place, running: null, findings: [...running, ...around], silence: null };
  return { place, running, findings: around, silence: null };
}

/** Whoever is on the way can read a credential, and use it; nobody is on the way to this machine itself. */
async function judgeWay(url: URL, { admin, timeoutMs }: DoctorContext): Promise<Finding[]> {
  const { protocol, origin } = url;
  if (admin.authorization === null || protocol === 'https:' || (await isOwnAddress(url, timeoutMs))) return [];
  const fix = 'ask on that machine, by https:// or through ssh -L, and revoke it if others share the network';
  return [warn(CHECK, `${origin}: the admin credential went there in clear text`, fix)];
}

/** Findings: it cannot be read. */
async function readPart(place: Place, readiness: Readiness, context: DoctorContext): Promise<RunningPart | Finding[]> {
  const first = await readMetrics(place, context);
  if (!Array.isArray(first)) return [first];
  const firstMs = performance.now();
  const part = select(first, 'sallyport_build_info')[0]?.labels['part'] ?? 'part';
  const list = <Name extends keyof Lists>(name: Name) => readList(place, part, name, context);
  const offersBefore = await list('offers');
  await delay(APART_MS);
  const second = await readMetrics(place, context);
  if (!Array.isArray(second)) return [second];
  const apartS = (performance.now() - firstMs) / 1_000;
  const [sessions, links, servers, offers] = [
    await list('sessions'),
    await list('links'),
    await list('servers'),
    await list('offers'),
  ];
  if (sessions === null || links === null || servers === null || offersBefore === null || offers === null) {
    return [unreadable(place.url, part)];
  }
  return {
    part,
    where: `${part} at ${place.url.origin}`,
    readiness,
    before: first,
    after: second,
    apartS,
    sessions,
    links,
    servers,
    offersBefore,
    offers,
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

/** Empty where `part` has no such list. Null: the answer is none. */
async function readList<Name extends keyof Lists>(
  place: Place,
  part: string,
  name: Name,
  context: DoctorContext,
): Promise<Lists[Name] | null> {
  if (part !== LISTS[name].part) return linesOf(name, NO_LINES);
  const answer = await read(place, LISTS[name].path, context);
  if (!answer.ok || answer.value.status !== 200) return linesOf(name, NO_LINES);
  return linesOf(name, answer.value.body);
}

function read({ url }: Place, path: string, { timeoutMs, admin }: DoctorContext): ReturnType<typeof ask> {
  const headers = admin.authorization === null ? {} : { Authorization: admin.authorization };
  return ask({ url: new URL(path, url), timeoutMs, headers, bodyMaxBytes: BODY_MAX_BYTES });
}

function silent({ origin }: URL, code: string): Finding {
  return fail(CHECK, `${origin}: ${why(code)}`, 'start the part, or correct --admin', 'SallyportPartDown');
}

function unreadable({ origin }: URL, part: string): Finding {
  const message = `${origin}: says that it is a ${part}, and answers in lists that cannot be read`;
  return fail(CHECK, message, 'bring all parts to versions next to each other, or correct --admin');
}

function stranger({ origin }: URL): Finding {
  return fail(CHECK, `${origin}: answers as no admin port of ours does`, 'let --admin name one (12002, 12003, 12004)');
}
