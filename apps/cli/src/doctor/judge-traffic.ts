/** Sessions with their slots, links and uplinks of a running part, judged. Pure. */
import type { LinkLine, ServerLine, SessionLine } from './admin-answers.ts';
import { isSlower, paceText } from './deployment.ts';
import type { Deployment } from './deployment.ts';
import { fail, warn } from './finding.ts';
import type { Finding } from './finding.ts';
import { judgeOffers, MEND, MORE_SLOTS } from './judge-offers.ts';
import type { RunningPart } from './running.ts';

/** As the alert has it. */
const NEARLY_FULL = 0.8;
const ALL_BACKENDS = 'a backend (all sessions together)';
/** Where the mean is of several sessions the log alone tells of one. */
const lookAt = (session: string) =>
  `ask its client too (--admin http://CLIENT:12004), or see how long its own took in the log of the entry: ` +
  `grep '"status":200.*"session":"${session}"' entry.log | tail -3, the last of hopsUs in microseconds; ` +
  'slow: mend it; else raise client.concurrency, or start another client';
/** Where nobody who was asked knows how long the backend takes. */
const ASK_CLIENT = `ask its client too (--admin http://CLIENT:12004): slow: mend the backend; else ${MORE_SLOTS}`;

export function judgeTraffic(part: RunningPart, deployment: Deployment): Finding[] {
  const { where, sessions, links, servers } = part;
  return [
    ...judgeOffers(part, deployment),
    ...sessions.flatMap((line) => judgeSession(where, line, deployment)),
    ...links.flatMap((line) => judgeLink(where, line)),
    ...servers.flatMap((line) => judgeServer(where, line)),
  ];
}

function judgeSession(where: string, line: SessionLine, deployment: Deployment): Finding[] {
  const { session, links, free, busy, waiting } = line;
  if (links === 0) return [judgeUnserved(where, line, deployment)];
  const slots = busy + free;
  if (slots === 0 || busy < NEARLY_FULL * slots) return [];
  const { backends, served } = deployment;
  const own = backends.get(session);
  const isAlone = served.size <= 1;
  // What all parts know of it goes back further than a client that was just restarted.
  const pace = isAlone ? deployment.pace : (own?.pace ?? deployment.pace);
  const isSure = isAlone || own !== undefined;
  const backend = own !== undefined ? `its backend ${own.names}` : isAlone ? 'the backend' : ALL_BACKENDS;
  const took = pace === null ? '' : `; ${paceText(pace, backend)}`;
  const known = pace === null ? ASK_CLIENT : isSlower(pace) ? MEND : MORE_SLOTS;
  const fix = isSure ? known : lookAt(session);
  const what = `${where}: session ${session}`;
  if (waiting > 0 && free === 0) {
    return [fail('session', `${what}: all ${slots} slots are busy, and ${waiting} wait${took}`, fix, 'SP_QUEUE_FULL')];
  }
  return [warn('session', `${what}: ${busy} of ${slots} slots are busy${took}`, fix, 'SallyportSlotsNearlyFull')];
}

/** A fault where somebody wants it: its visitors, or the configuration. */
function judgeUnserved(where: string, { session, waiting, principal }: SessionLine, deployment: Deployment): Finding {
  const { served, configured, isClientMissed } = deployment;
  const last = (principal ?? '') === '' ? '' : `; the last was ${principal}`;
  const fix = `start it on its machine (sallyport client … --session ${session}), or see its log`;
  const isElsewhere = served.has(session);
  const isWanted = waiting > 0 || configured.has(session) || isClientMissed;
  const judge = isWanted && !isElsewhere ? fail : warn;
  const message = `${where}: session ${session} has no client${isElsewhere ? ' here' : ''}${last}`;
  return judge('session', message, fix, 'SP_NO_CLIENT');
}

/** Sessions of the configuration that no server knows of any more. */
export function judgeUnknown(parts: readonly RunningPart[], deployment: Deployment): Finding[] {
  const servers = parts.filter(({ part }) => part === 'server');
  const [first] = servers;
  if (first === undefined) return [];
  const known = new Set(servers.flatMap(({ sessions }) => sessions.map(({ session }) => session)));
  const line = { links: 0, free: 0, busy: 0, waiting: 0 };
  const unknown = [...deployment.configured].filter((session) => !known.has(session));
  return unknown.map((session) => judgeUnserved(first.where, { session, ...line }, deployment));
}

function judgeLink(where: string, { principal, remote, session, isLate, isEjected }: LinkLine): Finding[] {
  const what = `${where}: the link of ${principal} for ${session ?? '?'} from ${remote}`;
  if (isLate === true) {
    return [fail('link', `${what} does not pass its canary`, 'see whether that client hangs', 'SallyportCanaryLate')];
  }
  if (isEjected !== true) return [];
  const fix = 'start the backend beside that client, or correct it in client.sessions there and reload that client';
  return [fail('link', `${what} is passed over: its backend cannot be connected to`, fix, 'SP_BACKEND_REFUSED')];
}

/** Whether it runs, is believed and lets us in is what other lines tell, of a part whose configuration is looked at. */
export const SEE_WAY =
  'see what "server", "certificate" and "link" say with its --config; are these in order, its log says why';

function judgeServer(where: string, { server, isUp }: ServerLine): Finding[] {
  if (isUp) return [];
  const fix = `${SEE_WAY}; one that is no more: take it out of entry.servers`;
  return [fail('link', `${where}: no uplink to ${server}`, fix, 'SallyportNoUplink')];
}
