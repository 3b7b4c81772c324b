/** What the client shows of its sessions to whoever scrapes. */
import { LINK_STATES } from '@sallyport/protocol';
import type { Link, WindowBudget } from '@sallyport/protocol';
import type { Telemetry } from '@sallyport/telemetry';
import type { SessionClient } from './session-client.ts';
import type { SessionQuota } from './session-quota.ts';

export interface Clients {
  /** One for each session. */
  readonly offered: readonly SessionClient[];
  /** Those that are to take over, and those that finish what runs, as well. */
  readonly all: readonly SessionClient[];
  readonly quotas: ReadonlySet<SessionQuota>;
}

export function addMetrics(telemetry: Telemetry, clients: Clients, budget: WindowBudget): void {
  const sessions = () => clients.offered;
  const sum = (of: (session: SessionClient) => number) => () => sessions().reduce((total, each) => total + of(each), 0);
  const sumOfAll = (of: (client: SessionClient) => number) => () =>
    clients.all.reduce((all, each) => all + of(each), 0);
  const sumOfLinks = (of: (link: Link) => number) =>
    sumOfAll(({ links }) => links.reduce((all, link) => all + of(link), 0));
  const streams = sumOfAll((each) => each.streams);
  telemetry.gauge('sallyport_streams', {}, streams);
  const links = sumOfAll((each) => each.links.length);
  telemetry.gauge('sallyport_links', { kind: 'client' }, links);
  for (const state of LINK_STATES) {
    const inState = sumOfLinks((link) => (link.state === state ? 1 : 0));
    telemetry.gauge('sallyport_links_by_state', { kind: 'client', state }, inState);
  }
  const connected = sum((each) => (each.isConnected ? 1 : 0));
  telemetry.gauge('sallyport_sessions', { state: 'connected' }, connected);
  telemetry.gauge('sallyport_sessions', { state: 'disconnected' }, () => sessions().length - connected());
  const up = sum((each) => (each.record.isUp ? 1 : 0));
  telemetry.gauge('sallyport_backends', { state: 'up' }, up);
  telemetry.gauge('sallyport_backends', { state: 'down' }, () => sessions().length - up());
  const sumOfQuotas = (of: (quota: SessionQuota) => number) => () =>
    [...clients.quotas].reduce((total, each) => total + of(each), 0);
  const busy = sumOfQuotas((each) => each.slots.activeCount);
  telemetry.gauge('sallyport_slots', { state: 'busy' }, busy);
  const free = sum(({ quota }) => quota.freeSlots);
  telemetry.gauge('sallyport_slots', { state: 'free' }, free);
  const longStreams = sumOfQuotas((each) => each.longStreams);
  telemetry.gauge('sallyport_long_streams', {}, longStreams, 'Upgraded connections and event streams.');
  const queuedBytes = sumOfLinks((link) => link.egress.queuedBytes);
  telemetry.gauge('sallyport_buffered_bytes', { where: 'egress' }, queuedBytes);
  telemetry.gauge('sallyport_buffered_bytes', { where: 'windows' }, () => budget.usedBytes);
  const windowLimit = () => budget.limitBytes;
  telemetry.limit('windows', windowLimit, () => budget.usedBytes);
  addSessionLimit(telemetry, 'slots', clients, ({ limits, slots }) => [limits.concurrency, slots.activeCount]);
  addSessionLimit(telemetry, 'long-streams', clients, ({ limits, longStreams: used }) => [limits.maxLongStreams, used]);
}

/** A limit of each session: that of the one that has the largest share of it in use. */
function addSessionLimit(
  telemetry: Telemetry,
  limit: string,
  clients: Clients,
  of: (quota: SessionQuota) => readonly [limit: number, used: number],
): void {
  const fullest = () =>
    [...clients.quotas].map(of).reduce((a, b) => (b[1] * a[0] > a[1] * b[0] || a[0] === 0 ? b : a), [0, 0] as const);
  const value = () => fullest()[0];
  telemetry.limit(limit, value, () => fullest()[1]);
}
