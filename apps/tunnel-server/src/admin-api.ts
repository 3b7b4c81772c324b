/** What `/api/sessions` and `/api/links` say: the relay as an operator wants to see it. */
import type { Relay } from './relay/relay.ts';

export function listSessions(relay: Relay) {
  return [...relay.sessions.values()].map((session) => ({
    session: session.id,
    principal: session.principal,
    epoch: session.epoch,
    links: session.links.size,
    free: session.free,
    busy: [...session.links].reduce((sum, each) => sum + each.busy, 0),
    waiting: session.waiting,
  }));
}

export function listLinks(relay: Relay) {
  const uplinks = [...relay.uplinks.values()].map(({ link, owner, sinceMs }) => ({
    kind: 'uplink',
    ...common(link, owner, sinceMs),
  }));
  const clients = [...relay.clientLinks.values()].map((client) => ({
    kind: 'client',
    ...common(client.link, client.owner, client.sinceMs),
    session: client.link.peer?.session ?? null,
    leases: client.leases,
    busy: client.busy,
    isLate: client.link.life.isLate,
    isEjected: client.isEjected(client.link.clock.nowMs()),
  }));
  return [...uplinks, ...clients];
}

type LinkOf = Relay['uplinks'] extends Map<infer L, unknown> ? L : never;

function common(link: LinkOf, owner: { principal: string; remote: string }, sinceMs: number) {
  return {
    principal: owner.principal,
    remote: owner.remote,
    instance: link.peer?.instance ?? null,
    ageS: Math.round((link.clock.nowMs() - sinceMs) / 1_000),
    streams: link.legs.size,
    roundTripMs: Number(link.smoothedRttMs.toFixed(3)),
    queuedBytes: link.egress.queuedBytes,
    receivedBytes: link.receivedBytes,
  };
}
