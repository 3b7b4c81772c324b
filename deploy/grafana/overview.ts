/** Is it well, and if not, which hop? */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { makeBoard } from './board.ts';
import { mean, orNone, orZero, quantile, rate } from './expressions.ts';
import { badFrom, figure, graph, wellFrom } from './panels.ts';
import type { Row } from './panels.ts';

/** Report of those who ran such a tunnel: their alerts, which are ours. */
const P99_S = 0.05;
const MEAN_S = 0.02;
const SUCCESS = 0.99;

const ENTRY = 'part="entry", instance=~"$instance"';
const HOPS = 'instance=~"$instance"';

const now: Row = {
  title: 'Now',
  panels: [
    figure({
      title: 'Requests',
      description: 'Answers to visitors a second, of all entries chosen.',
      unit: 'reqps',
      span: 4,
      queries: [{ expr: orZero(`sum(${rate(`sallyport_requests_total{${ENTRY}}`)})`), legend: 'requests' }],
    }),
    figure({
      title: 'Success',
      description:
        'Share of answers in five minutes that count as good for the availability objective. Well from 99 % up.',
      unit: 'percentunit',
      span: 4,
      queries: [{ expr: '1 - sallyport:failures:ratio_rate5m', legend: 'success' }],
      steps: wellFrom(SUCCESS),
      alert: 'SallyportSuccessLow',
    }),
    figure({
      title: 'p99',
      description: '99 of 100 answers began within this time (five minutes, at the entry). Well below 50 ms.',
      unit: 's',
      span: 4,
      queries: [{ expr: 'sallyport:request_seconds:p99_5m{part="entry"}', legend: 'p99' }],
      steps: badFrom(P99_S),
      alert: 'SallyportLatencyP99High',
    }),
    figure({
      title: 'Mean',
      description: 'Mean time to the head of an answer (five minutes, at the entry). Well below 20 ms.',
      unit: 's',
      span: 4,
      queries: [{ expr: 'sallyport:request_seconds:mean5m{part="entry"}', legend: 'mean' }],
      steps: badFrom(MEAN_S),
      alert: 'SallyportLatencyMeanHigh',
    }),
    figure({
      title: 'Parts',
      description:
        'Entries, servers and clients that Prometheus reaches, of those it knows. One that is missing is down.',
      unit: 'short',
      span: 4,
      queries: [
        { expr: 'sum(up{job=~"sallyport-(entry|server|client)"})', legend: 'up' },
        { expr: 'count(up{job=~"sallyport-(entry|server|client)"})', legend: 'known' },
      ],
      alert: 'SallyportPartDown',
    }),
    figure({
      title: 'Alerts',
      description: 'Alerts that are firing now. Each has a runbook in docs/runbooks.',
      unit: 'short',
      span: 4,
      queries: [{ expr: orZero('count(ALERTS{alertname=~"Sallyport.*", alertstate="firing"})'), legend: 'firing' }],
      steps: badFrom(1),
    }),
  ],
};

const red: Row = {
  title: 'Rate, errors, duration',
  panels: [
    graph({
      title: 'Answers by status',
      description: 'What visitors got, by status code. 499: the visitor had gone.',
      unit: 'reqps',
      span: 8,
      stacked: 'normal',
      queries: [{ expr: `sum by (code) (${rate(`sallyport_requests_total{${ENTRY}}`)})`, legend: '{{code}}' }],
      alert: 'SallyportSuccessLow',
    }),
    graph({
      title: 'Errors of ours, by code',
      description: 'Refusals by their SP_ code; docs/runbooks has a page for each. "none" is well.',
      unit: 'reqps',
      span: 8,
      queries: [
        {
          expr: orNone(`sum by (part, code) (${rate('sallyport_refused_total')})`, 'code'),
          legend: '{{code}} {{part}}',
        },
      ],
    }),
    graph({
      title: 'Time to the answer’s head',
      description: 'At the entry, of all visitors. The line at 50 ms is where p99 begins to alert.',
      unit: 's',
      span: 8,
      queries: [
        { expr: quantile(0.5, 'sallyport_request_seconds', ENTRY), legend: 'p50' },
        { expr: quantile(0.95, 'sallyport_request_seconds', ENTRY), legend: 'p95' },
        { expr: quantile(0.99, 'sallyport_request_seconds', ENTRY), legend: 'p99' },
        { expr: mean('sallyport_request_seconds', ENTRY), legend: 'mean' },
      ],
      steps: badFrom(P99_S),
      alert: 'SallyportLatencyP99High',
    }),
  ],
};

const hops: Row = {
  title: 'Where the time goes',
  panels: [
    graph({
      title: 'Mean by hop',
      description:
        'Seven hops on top of each other: means add up to the mean of the whole. Queue and slot grow: too few slots. Backend grows: it is slow. Link or uplink: the network or a busy part.',
      unit: 's',
      span: 8,
      stacked: 'normal',
      queries: [{ expr: mean('sallyport_hop_seconds', HOPS, ['hop']), legend: '{{hop}}' }],
      steps: badFrom(MEAN_S),
      alert: 'SallyportLatencyMeanHigh',
    }),
    graph({
      title: 'Share of each hop',
      description: 'How much of all time each hop took. What has the largest share is what to look at first.',
      unit: 'percentunit',
      span: 8,
      stacked: 'percent',
      queries: [{ expr: 'sallyport:hop_seconds:share5m', legend: '{{hop}}' }],
    }),
    graph({
      title: 'p99 by hop',
      description: 'The slowest hundredth of each hop by itself. They do not add up: not every slow hop meets another.',
      unit: 's',
      span: 8,
      queries: [{ expr: quantile(0.99, 'sallyport_hop_seconds', HOPS, ['hop']), legend: '{{hop}}' }],
      steps: badFrom(P99_S),
      alert: 'SallyportLatencyP99High',
    }),
  ],
};

const links: Row = {
  title: 'Links, slots, queue',
  panels: [
    graph({
      title: 'Links',
      description:
        'By part, kind and state. "late": the canary did not come back, and the link is out of the rotation.',
      unit: 'short',
      span: 8,
      queries: [
        { expr: 'sum by (part, kind, state) (sallyport_links_by_state)', legend: '{{part}} {{kind}} {{state}}' },
      ],
      alert: 'SallyportCanaryLate',
    }),
    graph({
      title: 'Canary',
      description:
        'Round trip over a link to the dispatcher of its far end, once a second: the data path without a backend.',
      unit: 's',
      span: 8,
      queries: [
        { expr: quantile(0.5, 'sallyport_canary_seconds', ''), legend: 'p50' },
        { expr: quantile(0.99, 'sallyport_canary_seconds', ''), legend: 'p99' },
      ],
      alert: 'SallyportCanaryLate',
    }),
    graph({
      title: 'Slots and queue',
      description: 'As the servers see them. Requests wait where no slot is free; 80 % busy for ten minutes alerts.',
      unit: 'short',
      span: 8,
      queries: [
        { expr: 'sum by (state) (sallyport_slots{part="server"})', legend: 'slots {{state}}' },
        { expr: 'sum(sallyport_queue_length{part="server"})', legend: 'requests waiting' },
      ],
      alert: 'SallyportSlotsNearlyFull',
    }),
  ],
};

const objectives: Row = {
  title: 'Objectives',
  panels: [
    graph({
      title: 'Burn of the error budget',
      description:
        '1 spends exactly the budget of 30 days in 30 days. 14.4 over an hour pages: a month’s budget would last two days.',
      unit: 'short',
      span: 8,
      queries: ['1h', '6h', '3d'].map((window) => ({
        expr: `sallyport:slo_burn:rate${window}`,
        legend: `{{slo}} over ${window}`,
      })),
      steps: badFrom(14.4, 1),
      alert: 'SallyportAvailabilityBudgetBurn',
    }),
    graph({
      title: 'Budget left',
      description: 'Of the errors that the objectives allow in 30 days. At 0 nothing is left.',
      unit: 'percentunit',
      span: 8,
      queries: [{ expr: 'sallyport:slo_budget_left:ratio', legend: '{{slo}}' }],
      alert: 'SallyportLatencyBudgetBurn',
    }),
    graph({
      title: 'Limits reached',
      description:
        'How often each configured limit was reached, a second. "none" is well: a limit that nobody knew of costs a day.',
      unit: 'short',
      span: 8,
      queries: [
        {
          expr: orNone(`sum by (part, limit) (${rate('sallyport_limit_hits_total')})`, 'limit'),
          legend: '{{part}} {{limit}}',
        },
      ],
      alert: 'SallyportLimitHit',
    }),
  ],
};

export const overview = (): Dashboard =>
  makeBoard({
    name: 'overview',
    title: 'Sallyport: overview',
    description: 'Rate, errors and duration at the edge, the seven hops, links and slots, and the objectives.',
    choices: [{ name: 'instance', label: 'Entry', query: 'label_values(sallyport_streams{part="entry"}, instance)' }],
    refresh: '10s',
    events: [
      {
        name: 'Alerts',
        expr: orNone('max by (alertname) (ALERTS{alertname=~"Sallyport.*", alertstate="firing"})', 'alertname'),
        title: '{{alertname}}',
        color: 'red',
        isTime: false,
      },
      {
        name: 'Starts',
        expr: 'max by (job, instance) (process_start_time_seconds{job=~"sallyport-(entry|server|client)"}) * 1000',
        title: '{{job}} at {{instance}} started',
        color: 'blue',
        isTime: true,
      },
    ],
    rows: [now, red, hops, links, objectives],
  });
