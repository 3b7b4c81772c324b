/** How much more can it carry, and what will be full first? */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { makeBoard } from './board.ts';
import { orNone, orZero, quantile, rate } from './expressions.ts';
import { badFrom, bars, figure, graph, wellFrom } from './panels.ts';
import type { Row } from './panels.ts';

const PARTS = 'part=~"$part", instance=~"$instance"';
/** What every process has carries no part. */
const JOBS = 'job=~"sallyport-$part", instance=~"$instance"';

/** Prometheus of the compose stack keeps 35 days; an older report is forgotten. */
const lastCapacity = (end: 'carried' | 'refused'): string =>
  `max(last_over_time(sallyport_load_capacity_rate{end="${end}"}[30d]))`;
const RATE_NOW = orZero('sum(sallyport:requests:rate5m{part="entry"})');
const PEAK = 'max(max_over_time(sallyport:requests:rate5m{part="entry"}[1d]))';
const NEAR_FULL = 0.8;
const NOT_MEASURED = 'not measured';

const headroom: Row = {
  title: 'Headroom',
  panels: [
    figure({
      title: 'Carried, when last measured',
      description:
        'The highest rate that the last "sallyport load capacity … --metrics-port N" found carried, of the last 30 days.',
      unit: 'reqps',
      span: 6,
      queries: [{ expr: lastCapacity('carried'), legend: 'carried' }],
      none: NOT_MEASURED,
    }),
    figure({
      title: 'Now',
      description: 'Requests a second, mean of five minutes.',
      unit: 'reqps',
      span: 6,
      queries: [{ expr: RATE_NOW, legend: 'now' }],
    }),
    figure({
      title: 'Headroom now',
      description: 'What is left of the carried rate. Below a half plan for more; below a fifth it is urgent.',
      unit: 'percentunit',
      span: 6,
      queries: [{ expr: `1 - (${RATE_NOW}) / on () ${lastCapacity('carried')}`, legend: 'left' }],
      steps: wellFrom(0.5, 0.2),
      none: NOT_MEASURED,
    }),
    figure({
      title: 'Headroom at the day’s peak',
      description: 'The same against the busiest five minutes of the last day.',
      unit: 'percentunit',
      span: 6,
      queries: [{ expr: `1 - ${PEAK} / on () ${lastCapacity('carried')}`, legend: 'left' }],
      steps: wellFrom(0.5, 0.2),
      none: NOT_MEASURED,
    }),
    graph({
      title: 'Rate against capacity',
      description: 'Requests a second beside the highest rate that was carried and the lowest that was refused.',
      unit: 'reqps',
      span: 24,
      queries: [
        { expr: RATE_NOW, legend: 'now' },
        { expr: lastCapacity('carried'), legend: 'carried' },
        {
          expr: `${lastCapacity('refused')} or on () ${lastCapacity('carried')}`,
          legend: 'refused (or carried, where none was)',
        },
      ],
    }),
  ],
};

const used = {
  unit: 'percentunit',
  span: 8,
  queries: [{ expr: `max by (part, limit) (sallyport:saturation:ratio{${PARTS}})`, legend: '{{part}} {{limit}}' }],
  steps: badFrom(0.95, NEAR_FULL),
  alert: 'SallyportNearLimit',
};

const saturation: Row = {
  title: 'What is full first',
  panels: [
    bars({
      title: 'Used, of each limit',
      description: 'Of the fullest instance, session or link. Over 80 % for ten minutes alerts.',
      ...used,
    }),
    graph({
      title: 'Used, over time',
      description: 'The same over time: what rises steadily will be full one day.',
      ...used,
    }),
    graph({
      title: 'Limits reached',
      description: 'How often each was reached, a second. "none" is well.',
      unit: 'short',
      span: 8,
      queries: [
        {
          expr: orNone(`sum by (part, limit) (${rate(`sallyport_limit_hits_total{${PARTS}}`)})`, 'limit'),
          legend: '{{part}} {{limit}}',
        },
      ],
      alert: 'SallyportLimitHit',
    }),
  ],
};

const processes: Row = {
  title: 'Processes',
  panels: [
    graph({
      title: 'CPU',
      description: 'Cores used by each part. One is the most that the main thread of a part can use.',
      unit: 'short',
      span: 8,
      queries: [
        {
          expr: `sum by (job, instance) (${rate(`process_cpu_seconds_total{${JOBS}}`)})`,
          legend: '{{job}} {{instance}}',
        },
      ],
    }),
    graph({
      title: 'Event loop: delay p99',
      description: 'How long a visitor waits before the first hop begins. Over 50 ms alerts: the part is too busy.',
      unit: 's',
      span: 8,
      queries: [
        {
          expr: quantile(0.99, 'sallyport_event_loop_delay_seconds', PARTS, ['part', 'instance']),
          legend: '{{part}} {{instance}}',
        },
      ],
      steps: badFrom(0.05),
      alert: 'SallyportEventLoopLate',
    }),
    graph({
      title: 'Event loop: busy',
      description: 'Share of time the main thread worked. Near 1 it cannot do more.',
      unit: 'percentunit',
      span: 8,
      queries: [
        {
          expr: `sum by (part, instance) (${rate(`sallyport_event_loop_active_seconds_total{${PARTS}}`)})`,
          legend: '{{part}} {{instance}}',
        },
      ],
      steps: badFrom(0.95, NEAR_FULL),
      alert: 'SallyportEventLoopLate',
    }),
    graph({
      title: 'Memory',
      description:
        'Resident memory of each part. What rises for hours at an even rate is a leak ("sallyport load soak" tells).',
      unit: 'bytes',
      span: 8,
      queries: [{ expr: `process_resident_memory_bytes{${JOBS}}`, legend: '{{job}} {{instance}}' }],
      alert: 'SallyportNearLimit',
    }),
    graph({
      title: 'Descriptors',
      description: 'Open files and sockets of each part.',
      unit: 'short',
      span: 8,
      queries: [{ expr: `process_open_fds{${JOBS}}`, legend: '{{job}} {{instance}}' }],
      alert: 'SallyportDescriptorsExhaustionPredicted',
    }),
    graph({
      title: 'Buffered',
      description: 'Bytes held for peers that are slower than what comes in, by where.',
      unit: 'bytes',
      span: 8,
      queries: [{ expr: `sum by (part, where) (sallyport_buffered_bytes{${PARTS}})`, legend: '{{part}} {{where}}' }],
      alert: 'SallyportNearLimit',
    }),
  ],
};

export const capacity = (): Dashboard =>
  makeBoard({
    name: 'capacity',
    title: 'Sallyport: capacity',
    description: 'The rate now against the capacity last measured, and how full each limit is.',
    choices: [
      { name: 'part', label: 'Part', query: 'label_values(sallyport_build_info, part)' },
      { name: 'instance', label: 'Instance', query: 'label_values(sallyport_build_info{part=~"$part"}, instance)' },
    ],
    refresh: '10s',
    events: [],
    rows: [headroom, saturation, processes],
  });
