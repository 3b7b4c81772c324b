/** What the entry shows to whoever scrapes, beside what it counts. */
import { LINK_STATES } from '@sallyport/protocol';
import type { Telemetry } from '@sallyport/telemetry';
import type { Entry } from './entry.ts';
import { MAX_ASKS } from './links/passages.ts';
import type { Uplinks } from './uplinks.ts';
import type { Visitors } from './visitor/transport.ts';

export function addMetrics(telemetry: Telemetry, entry: Entry, uplinks: Uplinks, visitors: Visitors): void {
  const { budget } = entry;
  telemetry.gauge('sallyport_streams', {}, () => entry.exchanges);
  telemetry.gauge('sallyport_links', { kind: 'uplink' }, () => uplinks.links.length);
  for (const state of LINK_STATES) {
    const isSo = (link: { readonly state: string }) => link.state === state;
    telemetry.gauge('sallyport_links_by_state', { kind: 'uplink', state }, () => uplinks.links.filter(isSo).length);
  }
  telemetry.counterOf('sallyport_canary_late_total', {}, () => uplinks.lateCanaries);
  telemetry.gauge('sallyport_passing_links', {}, () => entry.passages.size);
  telemetry.gauge('sallyport_visitor_connections', {}, () => visitors.connections, 'Connections of visitors open now.');
  telemetry.gauge('sallyport_buffered_bytes', { where: 'egress' }, () =>
    uplinks.links.reduce((sum, link) => sum + link.egress.queuedBytes, 0),
  );
  telemetry.gauge('sallyport_buffered_bytes', { where: 'windows' }, () => budget.usedBytes);
  telemetry.limit(
    'connections',
    () => visitors.connectionLimit,
    () => visitors.connections,
  );
  telemetry.limit(
    'links',
    () => entry.maxPassingLinks,
    () => entry.passages.size,
  );
  telemetry.limit(
    'link-asks',
    () => MAX_ASKS,
    () => entry.passages.asking,
  );
  telemetry.limit(
    'windows',
    () => budget.limitBytes,
    () => budget.usedBytes,
  );
}
