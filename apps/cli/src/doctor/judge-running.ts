/** What a running part says of itself, judged: a finding for each thing that wants a look. Pure. */
import { select, sumOf } from '@sallyport/load-tests';
import type { Sample } from '@sallyport/load-tests';
import { problemOfCode } from '@sallyport/proxy-entry';
import { VERSION } from '../version.ts';
import { earlier, fail, foldEarlier, ok, shorten, warn } from './finding.ts';
import type { Finding } from './finding.ts';
import type { OfferLine } from './admin-answers.ts';
import type { Deployment } from './deployment.ts';
import { leftUntil } from './expiry.ts';
import { certificatesIn, judgeLife } from './judge-life.ts';
import { judgeTraffic, SEE_WAY } from './judge-traffic.ts';
import { limitSetting } from './limit-settings.ts';
import type { RunningPart } from './running.ts';
import { fixAt } from './target.ts';

/** What is over stands in one finding at the end (`info`). */
export function judgeRunning(part: RunningPart, deployment: Deployment, nowMs: number): Finding[] {
  const findings = [
    ...judgeReadiness(part, nowMs),
    ...judgeVersion(part),
    ...judgeTraffic(part, deployment),
    ...judgeRefusals(part, deployment),
    ...judgeBackends(part, deployment),
    ...judgeLimits(part),
    ...judgeLife(part, nowMs),
  ];
  const tell = (all: readonly string[]) => earlier(`${part.where}: ${shortened(all)}`);
  return shorten(part.where, foldEarlier(findings, tell));
}

const MAX_EARLIER = 8;

function shortened(all: readonly string[]): string {
  const more = all.length - MAX_EARLIER;
  return [...all.slice(0, MAX_EARLIER), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

/** By the beginning of a check's name. */
const READINESS: readonly (readonly [check: string, fix: string, runbook: string])[] = [
  ['accepting', 'wait until it has ended, and start it again', 'SP_DRAINING'],
  ['server', SEE_WAY, 'SallyportNoUplink'],
  ['link:', SEE_WAY, 'SallyportClientDisconnected'],
  [
    'backend:',
    'start the backend; or correct it in client.sessions and reload the client, or start it with another URL',
    'SallyportBackendDown',
  ],
];

function judgeReadiness(part: RunningPart, nowMs: number): Finding[] {
  const { where, readiness, offers } = part;
  const broken = Object.entries(readiness.checks).filter(([, check]) => !check.ok);
  if (broken.length === 0) return [ok('ready', [`${where}: ready`, ...figures(part, nowMs)].join(', '))];
  return broken.map(([name, { detail = 'not ok' }]) => {
    const [, fix = 'see its log', runbook] = READINESS.find(([begins]) => name.startsWith(begins)) ?? [];
    return fail('ready', `${where}: ${name}: ${detail}${backendOf(name, offers)}`, fix, runbook);
  });
}

/** What a client says of the backend that a check is of: its address, and why it failed last. */
function backendOf(check: string, offers: readonly OfferLine[]): string {
  const offer = offers.find(({ session }) => check === `backend:${session}`);
  if (offer === undefined) return '';
  return ` ${[offer.backend, ...(offer.lastFailure == null ? [] : [offer.lastFailure])].join(': ')}`;
}

/** What there is of it: `3 of 10 slots busy`, `0 wait`, `24 of 20000 open files`, `certificates for 30 days`. */
function figures({ after, sessions }: RunningPart, nowMs: number): string[] {
  const busy = sessions.reduce((sum, each) => sum + each.busy, 0);
  const slots = busy + sessions.reduce((sum, each) => sum + each.free, 0);
  const waiting = sessions.reduce((sum, each) => sum + each.waiting, 0);
  const open = sumOf(after, 'process_open_fds');
  const firstMs = Math.min(...certificatesIn(after).map(({ notAfterMs }) => notAfterMs));
  return [
    ...(sessions.length === 0 ? [] : [`${busy} of ${slots} slots busy`, `${waiting} wait`]),
    ...(open === null ? [] : [`${open} of ${sumOf(after, 'process_max_fds') ?? '?'} open files`]),
    ...(firstMs === Infinity || firstMs <= nowMs ? [] : [`certificates for ${leftUntil(firstMs, nowMs)}`]),
  ];
}

function judgeVersion({ where, after }: RunningPart): Finding[] {
  const version = select(after, 'sallyport_build_info')[0]?.labels['version'];
  if (version === undefined || version === VERSION) return [];
  const fix = 'bring all parts to versions next to each other, the server first';
  return [warn('version', `${where}: version ${version}, and this is ${VERSION}`, fix, 'SP_VERSION')];
}

/** `12 times since its start, 3 in the last second`. */
function times(total: number, now: number): string {
  return `${total} times since its start, ${now} in the last second`;
}

/** Of links, at the server; whatever else has a page is an answer to visitors. */
const LINK_CODES = new Set(['SP_LINK_UNAUTHORIZED', 'SP_LINK_TLS']);
/** Where figures alone do not say who is meant. */
const FIXES: ReadonlyMap<string, string> = new Map([
  [
    'SP_NO_CLIENT',
    "its access log names the session (grep SP_NO_CLIENT): start a client for it, or see that one's log",
  ],
]);

/** Of a backend, where nobody who was asked can say which. */
const grepBackend = (code: string) =>
  `in the log of the entry: grep ${code} entry.log | tail -3 names session and target; mend that backend`;

function judgeRefusals({ where, before, after }: RunningPart, { backends }: Deployment): Finding[] {
  const name = 'sallyport_refused_total';
  return select(after, name).flatMap(({ labels, value }) => {
    const { code = '' } = labels;
    // The server counts what it refuses to entries in the protocol's words as well; they tell their visitors.
    if (value === 0 || !code.startsWith('SP_')) return [];
    const problem = problemOfCode(code);
    // What visitors do wrong is no news; and some of it is our own, as we look whether the port is served.
    if (problem !== null && (problem.status < 500 || problem.hop === 'visitor')) return [];
    const now = value - (sumOf(before, name, labels) ?? 0);
    if (now <= 0) return [earlier(`${value} × ${code}`)];
    const what = problem === null ? code : `${code}, ${problem.title}`;
    const isClientAsked = problem?.hop === 'backend' && backends.size > 0;
    const special = FIXES.get(code) ?? (isClientAsked ? grepBackend(code) : undefined);
    const fix = special ?? fixAt(problem?.hop ?? '') ?? 'see who dials, in its log';
    const page = problem !== null || LINK_CODES.has(code) ? code : undefined;
    return [fail('refused', `${where}: ${what}: ${times(value, now)}`, fix, page)];
  });
}

/** As the alert has it. */
const FAILING_SHARE = 0.01;

/** Answers of 5xx that are the backends' own. The rest of that kind has a code, and is told by it. */
function judgeBackends({ where, before, after }: RunningPart, { served, backends }: Deployment): Finding[] {
  const [was, is] = [answersOf(before), answersOf(after)];
  const now = { failed: is.failed - was.failed, all: is.all - was.all };
  const isNow = now.failed > FAILING_SHARE * now.all;
  const share = `${is.failed} of ${is.all} answers`;
  if (!isNow) return is.failed > FAILING_SHARE * is.all ? [earlier(`${share} were 5xx of the backend itself`)] : [];
  // Entries count by no session: clients do, and where there is one session alone it is known.
  const failing = [...backends].flatMap(([session, view]) =>
    view.failing > 0 ? [`${view.names} of session ${session}`] : [],
  );
  const [session, ...others] = served;
  const isAlone = session !== undefined && others.length === 0;
  const isKnown = failing.length > 0 || isAlone;
  const named = failing.length > 0 ? failing.join(', ') : `of session ${session}`;
  const whose = isKnown ? `the backend itself, ${named}` : 'a backend itself';
  const message = `${where}: ${share} since its start, and ${now.failed} of ${now.all} in the last second, are 5xx of ${whose}`;
  const fix = isKnown ? 'mend that backend: its own log says why' : GREP_AND_MEND;
  return [fail('backend', message, fix, 'SallyportSuccessLow')];
}

const GREP_AND_MEND = `in the log of the entry: grep '"status":5' entry.log | tail -3 names session and target; mend that backend: its own log says why`;

/** Of an entry; of another part none, as a server and a client pass on what visitors are told. */
function answersOf(samples: readonly Sample[]): { failed: number; all: number } {
  const answers = select(samples, 'sallyport_requests_total', { part: 'entry' });
  const failed = sum(answers.filter(({ labels }) => labels['code']?.startsWith('5') === true));
  const refusals = select(samples, 'sallyport_refused_total', { part: 'entry' });
  const own = sum(refusals.filter(({ labels }) => (problemOfCode(labels['code'] ?? '')?.status ?? 0) >= 500));
  // What is refused behind the head of an answer has another status there.
  return { failed: Math.max(0, failed - own), all: sum(answers) };
}

function sum(samples: readonly Sample[]): number {
  return samples.reduce((total, { value }) => total + value, 0);
}

function judgeLimits({ where, before, after }: RunningPart): Finding[] {
  const name = 'sallyport_limit_hits_total';
  return select(after, name).flatMap(({ labels, value }) => {
    const { limit = '' } = labels;
    const now = value - (sumOf(before, name, labels) ?? 0);
    const { fix, runbook, isVisitors } = limitSetting(limit);
    if (value === 0 || (isVisitors && now <= 0)) return [];
    if (now <= 0) return [earlier(`${value} × limit ${limit}`)];
    return [(isVisitors ? warn : fail)('limit', `${where}: ${limit} was reached ${times(value, now)}`, fix, runbook)];
  });
}
