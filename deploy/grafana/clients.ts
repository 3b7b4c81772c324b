/** Which client is full, slow or gone? */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { makeBoard } from './board.ts';
import { mean, orNone, orZero, quantile, rate } from './expressions.ts';
import { badFrom, figure, graph } from './panels.ts';
import type { Row } from './panels.ts';

const CLIENT = 'part="client", instance=~"$instance"';
const BUSY = 'sum(sallyport_slots{part="server", state="busy"})';
const ALL = 'sum(sallyport_slots{part="server"})';

const now: Row = {
  title: 'Now, as the servers see it',
  panels: [
    figure({
      title: 'Client links',
      description: 'Links of clients that are open now.',
      unit: 'short',
      span: 6,
      queries: [{ expr: 'sum(sallyport_links{part="server", kind="client"})', legend: 'links' }],
      alert: 'SallyportNoClient',
    }),
    figure({
      title: 'Slots busy',
      description: 'Of all slots that the clients offer. Well below 80 %.',
      unit: 'percentunit',
      span: 6,
      queries: [{ expr: `${BUSY} / ${ALL}`, legend: 'busy' }],
      steps: badFrom(0.95, 0.8),
      alert: 'SallyportSlotsNearlyFull',
    }),
    figure({
      title: 'Requests waiting',
      description:
        'For a slot of any client. More than a few, for longer than a moment: too few slots, or a slow backend.',
      unit: 'short',
      span: 6,
      queries: [{ expr: 'sum(sallyport_queue_length{part="server"})', legend: 'waiting' }],
      alert: 'SallyportQueueExhaustionPredicted',
    }),
    figure({
      title: 'Backends down',
      description: 'Backends to which a client could not connect three times in a row.',
      unit: 'short',
      span: 6,
      queries: [{ expr: orZero('sum(sallyport_backends{part="client", state="down"})'), legend: 'down' }],
      steps: badFrom(1),
      alert: 'SallyportBackendDown',
    }),
  ],
};

const slots: Row = {
  title: 'Slots and queue',
  panels: [
    graph({
      title: 'Slots busy, by client',
      description:
        'How many of its slots a client uses. One at 1 while others idle: its backend is slower than theirs.',
      unit: 'percentunit',
      span: 8,
      queries: [
        {
          expr: `sum by (instance) (sallyport_slots{${CLIENT}, state="busy"}) / sum by (instance) (sallyport_slots{${CLIENT}})`,
          legend: '{{instance}}',
        },
      ],
      steps: badFrom(0.95, 0.8),
      alert: 'SallyportSlotsNearlyFull',
    }),
    graph({
      title: 'Slots, by state',
      description: 'Busy and free slots of the clients chosen, on top of each other: the height is what they offer.',
      unit: 'short',
      span: 8,
      stacked: 'normal',
      queries: [{ expr: `sum by (instance, state) (sallyport_slots{${CLIENT}})`, legend: '{{instance}} {{state}}' }],
    }),
    graph({
      title: 'Wait for a slot',
      description:
        'At the servers, of all requests. What waits longer than the queue’s timeout is refused (SP_QUEUE_TIMEOUT).',
      unit: 's',
      span: 8,
      queries: [
        { expr: quantile(0.5, 'sallyport_queue_seconds', ''), legend: 'p50' },
        { expr: quantile(0.99, 'sallyport_queue_seconds', ''), legend: 'p99' },
        { expr: mean('sallyport_queue_seconds', ''), legend: 'mean' },
      ],
      alert: 'SallyportQueueExhaustionPredicted',
    }),
  ],
};

const backends: Row = {
  title: 'Backends',
  panels: [
    graph({
      title: 'Backend p50, by client',
      description: 'From the last byte of a request to the head of the backend’s answer, as each client saw it.',
      unit: 's',
      span: 12,
      queries: [{ expr: quantile(0.5, 'sallyport_backend_seconds', CLIENT, ['instance']), legend: '{{instance}}' }],
    }),
    graph({
      title: 'Backend p99, by client',
      description: 'The same, the slowest hundredth.',
      unit: 's',
      span: 12,
      queries: [{ expr: quantile(0.99, 'sallyport_backend_seconds', CLIENT, ['instance']), legend: '{{instance}}' }],
      alert: 'SallyportLatencyP99High',
    }),
    graph({
      title: 'Answers, and what the slots would allow',
      description:
        'Answers of each backend a second, and the ceiling: slots divided by the backend’s mean time. Where the two meet, more slots (client.concurrency) or more clients help, if the backend has room.',
      unit: 'reqps',
      span: 12,
      queries: [
        { expr: `sum by (instance) (${rate(`sallyport_backend_seconds_count{${CLIENT}}`)})`, legend: '{{instance}}' },
        {
          expr: `sum by (instance) (sallyport_slots{${CLIENT}}) / (${mean('sallyport_backend_seconds', CLIENT, ['instance'])})`,
          legend: '{{instance}} ceiling',
        },
      ],
      alert: 'SallyportSlotsExhaustionPredicted',
    }),
    graph({
      title: 'Backend failures, by client',
      description:
        'Requests that a backend did not answer: refused, reset, late, or an answer that is none. "none" is well.',
      unit: 'reqps',
      span: 12,
      queries: [
        {
          expr: orNone(`sum by (instance, code) (${rate(`sallyport_backend_failures_total{${CLIENT}}`)})`, 'code'),
          legend: '{{instance}} {{code}}',
        },
      ],
      alert: 'SallyportBackendFailing',
    }),
  ],
};

const links: Row = {
  title: 'Links and limits',
  panels: [
    graph({
      title: 'Links, by client',
      description: 'Links to servers by state. "late": the canary did not come back, the link takes no new requests.',
      unit: 'short',
      span: 8,
      queries: [
        { expr: `sum by (instance, state) (sallyport_links_by_state{${CLIENT}})`, legend: '{{instance}} {{state}}' },
      ],
      alert: 'SallyportClientDisconnected',
    }),
    graph({
      title: 'Reconnects, by part',
      description: 'Links made anew after one was lost, a minute. All at once and again and again: a storm.',
      unit: 'short',
      span: 8,
      queries: [
        { expr: `60 * sum by (job, instance) (${rate('sallyport_reconnects_total')})`, legend: '{{job}} {{instance}}' },
      ],
      alert: 'SallyportReconnectStorm',
    }),
    graph({
      title: 'Limits reached, by client',
      description: 'How often a client’s own limits were reached, a second. "none" is well.',
      unit: 'short',
      span: 8,
      queries: [
        {
          expr: orNone(`sum by (instance, limit) (${rate(`sallyport_limit_hits_total{${CLIENT}}`)})`, 'limit'),
          legend: '{{instance}} {{limit}}',
        },
      ],
      alert: 'SallyportLimitHit',
    }),
  ],
};

export const clients = (): Dashboard =>
  makeBoard({
    name: 'clients',
    title: 'Sallyport: clients',
    description:
      'Slots, queue, backends and links, client by client. A client that Prometheus cannot reach is seen from its servers only.',
    choices: [{ name: 'instance', label: 'Client', query: 'label_values(sallyport_streams{part="client"}, instance)' }],
    refresh: '10s',
    events: [
      {
        name: 'Starts',
        expr: 'max by (instance) (process_start_time_seconds{job="sallyport-client", instance=~"$instance"}) * 1000',
        title: 'client at {{instance}} started',
        color: 'blue',
        isTime: true,
      },
    ],
    rows: [now, slots, backends, links],
  });
