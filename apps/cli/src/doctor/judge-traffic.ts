/** Sessions with their slots, links and uplinks of a running part, judged. Pure. */
import { fail, warn } from './finding.ts';
import type { Finding } from './finding.ts';
import type { LinkLine, ServerLine, SessionLine } from './admin-answers.ts';
import type { RunningPart } from './running.ts';

/** As the alert has it. */
const NEARLY_FULL = 0.8;
const MORE_SLOTS = 'raise client.concurrency if the backend has room, or start another client';

export function judgeTraffic({ where, sessions, links, servers }: RunningPart): Finding[] {
  return [
    ...sessions.flatMap((line) => judgeSession(where, line)),
    ...links.flatMap((line) => judgeLink(where, line)),
    ...servers.flatMap((line) => judgeServer(where, line)),
  ];
}

function judgeSession(where: string, { session, links, free, busy, waiting }: SessionLine): Finding[] {
  const what = `${where}: session ${session}`;
  if (links === 0) return [warn('session', `${what}: no client serves it`, 'start one', 'SP_NO_CLIENT')];
  const slots = busy + free;
  if (waiting > 0 && free === 0) {
    return [fail('session', `${what}: all ${slots} slots are busy, and ${waiting} wait`, MORE_SLOTS, 'SP_QUEUE_FULL')];
  }
  if (slots === 0 || busy < NEARLY_FULL * slots) return [];
  return [warn('session', `${what}: ${busy} of ${slots} slots are busy`, MORE_SLOTS, 'SallyportSlotsNearlyFull')];
}

function judgeLink(where: string, { principal, remote, session, isLate, isEjected }: LinkLine): Finding[] {
  const what = `${where}: the link of ${principal} for ${session ?? '?'} from ${remote}`;
  if (isLate === true) {
    return [fail('link', `${what} does not pass its canary`, 'see whether that client hangs', 'SallyportCanaryLate')];
  }
  if (isEjected !== true) return [];
  const fix = 'start the backend beside that client, or correct it in client.sessions';
  return [fail('link', `${what} is passed over: its backend cannot be connected to`, fix, 'SP_BACKEND_REFUSED')];
}

function judgeServer(where: string, { server, isUp }: ServerLine): Finding[] {
  if (isUp) return [];
  const fix = 'start it, or take it out of entry.servers';
  return [fail('link', `${where}: no uplink to ${server}`, fix, 'SallyportNoUplink')];
}
