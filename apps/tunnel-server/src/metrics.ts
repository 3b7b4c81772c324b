/** What the server shows of its relay to whoever scrapes. */
import type { Config } from '@sallyport/config';
import { LINK_STATES } from '@sallyport/protocol';
import type { Link } from '@sallyport/protocol';
import type { Telemetry } from '@sallyport/telemetry';
import type { Relay } from './relay/relay.ts';
import type { Session } from './relay/session.ts';

/** `config`: what is in force now. */
export function addMetrics(telemetry: Telemetry, relay: Relay, config: () => Config): void {
  const { sessions, uplinks, clientLinks } = relay;
  telemetry.gauge('sallyport_streams', {}, () => relay.streams);
  addLinks(telemetry, 'uplink', uplinks, () => relay.accepted.uplink);
  addLinks(telemetry, 'client', clientLinks, () => relay.accepted.client);
  telemetry.counterOf('sallyport_canary_late_total', {}, () => relay.lateCanaries);
  telemetry.gauge('sallyport_slots', { state: 'busy' }, () => sum(clientLinks.values(), (each) => each.busy));
  telemetry.gauge('sallyport_slots', { state: 'free' }, () => sum(clientLinks.values(), (each) => each.free));
  telemetry.gauge('sallyport_sessions', { state: 'served' }, () => sum(sessions.values(), isServed));
  telemetry.gauge('sallyport_sessions', { state: 'unserved' }, () => sessions.size - sum(sessions.values(), isServed));
  telemetry.gauge('sallyport_queue_length', {}, () => sum(sessions.values(), (each) => each.waiting));
  const links = () => [...uplinks.keys(), ...clientLinks.keys()];
  telemetry.gauge('sallyport_buffered_bytes', { where: 'egress' }, () => sum(links(), queuedBytes));

  telemetry.limit(
    'links',
    () => config().server.maxLinks,
    () => uplinks.size + clientLinks.size,
  );
  telemetry.limit(
    'sessions',
    () => relay.sessionsLimit,
    () => relay.mostSessions,
  );
  telemetry.limit(
    'queue',
    () => config().server.queue.limit,
    () => most(sessions.values(), (each) => each.waiting),
  );
  telemetry.limit(
    'link-egress',
    () => config().link.egressBytes,
    () => most(links(), queuedBytes),
  );
  telemetry.limit(
    'slots',
    () => fullest(sessions.values()).slots,
    () => fullest(sessions.values()).busy,
  );
}

function addLinks(telemetry: Telemetry, kind: string, links: ReadonlyMap<Link, unknown>, accepted: () => number): void {
  telemetry.gauge('sallyport_links', { kind }, () => links.size);
  telemetry.counterOf('sallyport_links_accepted_total', { kind }, accepted);
  for (const state of LINK_STATES) {
    telemetry.gauge('sallyport_links_by_state', { kind, state }, () =>
      sum(links.keys(), (link) => (link.state === state ? 1 : 0)),
    );
  }
}

/** The slots of the session that has the largest share of them busy. */
function fullest(sessions: Iterable<Session>): { readonly busy: number; readonly slots: number } {
  let found = { busy: 0, slots: 0 };
  for (const session of sessions) {
    const busy = sum(session.links, (each) => each.busy);
    const slots = busy + session.free;
    if (slots > 0 && (found.slots === 0 || busy * found.slots > found.busy * slots)) found = { busy, slots };
  }
  return found;
}

function isServed(session: Session): number {
  return session.links.size > 0 ? 1 : 0;
}

function queuedBytes(link: Link): number {
  return link.egress.queuedBytes;
}

function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

function most<T>(items: Iterable<T>, of: (item: T) => number): number {
  let found = 0;
  for (const item of items) found = Math.max(found, of(item));
  return found;
}
