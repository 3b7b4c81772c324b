/** Sessions as a running client offers them: slots, the backend's last answer, and what its file says by now. Pure. */
import type { SessionConfig } from '@sallyport/config';
import { redactUrl } from '@sallyport/config';
import type { OfferLine } from './admin-answers.ts';
import { isSlower, paceText } from './deployment.ts';
import type { Deployment } from './deployment.ts';
import { fail, warn } from './finding.ts';
import type { Finding } from './finding.ts';
import type { RunningPart } from './running.ts';

export const MORE_SLOTS = 'raise client.concurrency if the backend has room, or start another client';
export const MEND = 'mend it, or raise client.concurrency if it has room';

export function judgeOffers({ where, readiness, offers }: RunningPart, deployment: Deployment): Finding[] {
  return offers.flatMap((offer) => {
    const what = `${where}: session ${offer.session}`;
    // One that cannot be connected to is told of by its readiness.
    const isDown = readiness.checks[`backend:${offer.session}`]?.ok === false;
    return [...judgeSlots(what, offer, deployment), ...(isDown ? [] : judgeLast(what, offer, deployment))];
  });
}

/** Where no server was asked, which would say how many wait. */
function judgeSlots(what: string, { session, busy = 0, free = 0 }: OfferLine, deployment: Deployment): Finding[] {
  const view = deployment.backends.get(session);
  if (deployment.isServerAsked || view === undefined || busy === 0 || free > 0) return [];
  const { names, pace } = view;
  const message = `${what}: all ${busy} slots are busy; ${paceText(pace, `its backend ${names}`)}`;
  const judge = pace.now.count <= 0 ? fail : warn;
  return [judge('session', message, isSlower(pace) ? MEND : MORE_SLOTS, 'SP_QUEUE_FULL')];
}

/** A fault while visitors are told of such. */
function judgeLast(what: string, offer: OfferLine, { isBackendMissed }: Deployment): Finding[] {
  const { backend, lastFailure, lastFailureAt } = offer;
  if (lastFailure == null) return [];
  const when = lastFailureAt == null ? '' : ` (${lastFailureAt})`;
  const message = `${what}: its backend ${backend} failed the last request${when}: ${lastFailure}`;
  const judge = isBackendMissed ? fail : warn;
  return [judge('backend', message, 'mend that backend: its own log says why', 'SallyportBackendFailing')];
}

/** Sessions that the client at `admin` serves in another way than its file says: one of `sessions` each. */
export function judgeReloaded(
  { where, offers }: RunningPart,
  admin: URL,
  sessions: readonly SessionConfig[],
): Finding[] {
  const fix =
    `reload it (systemctl reload, kill -HUP, or curl --json '{}' ${admin.origin}/api/reload); ` +
    'one that was started with a backend on its command line: start it again with the other';
  return sessions.flatMap(({ id, backend }) => {
    const offer = offers.find(({ session }) => session === id);
    const said = redactUrl(backend);
    if (offer?.backend === said) return [];
    const runs = offer === undefined ? 'the running client does not offer it' : `the running client ${offer.backend}`;
    return [warn('reload', `${where}: session ${id}: the file says ${said}, and ${runs}`, fix)];
  });
}
