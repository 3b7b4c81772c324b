/** What a load test under way asks, gets and adds. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { makeBoard } from './board.ts';
import { mean, orZero, rate } from './expressions.ts';
import { badFrom, figure, graph, wellFrom } from './panels.ts';
import type { Row } from './panels.ts';

const RUN = 'instance=~"$instance"';
const P99_S = 0.05;
/** Of the job sallyport-load in deploy/prometheus/prometheus.yml. */
const SCRAPE = '5s';

const quantiles = (q: string) => ({
  expr: `max by (arm) (sallyport_load_latency_seconds{${RUN}, quantile="${q}"})`,
  legend: '{{arm}}',
});
const added = (q: string): string => {
  const of = (arm: string) => `max(sallyport_load_latency_seconds{${RUN}, arm="${arm}", quantile="${q}"})`;
  return `${of('tunnel')} - ${of('direct')}`;
};

const now: Row = {
  title: 'Now',
  panels: [
    figure({
      title: 'Step',
      description: 'Steps begun so far: rates of a ramp, windows, or tries of a search.',
      unit: 'short',
      span: 4,
      queries: [{ expr: `max(sallyport_load_step{${RUN}})`, legend: 'step' }],
    }),
    figure({
      title: 'Asked',
      description: 'Requests a second that the step asks for, each arm.',
      unit: 'reqps',
      span: 4,
      queries: [{ expr: `sum(sallyport_load_rate{${RUN}, arm="tunnel", kind="asked"})`, legend: 'asked' }],
    }),
    figure({
      title: 'Achieved',
      description: 'Good answers a second through the tunnel, of this step so far. Well where it is what was asked.',
      unit: 'reqps',
      span: 4,
      queries: [{ expr: `sum(sallyport_load_rate{${RUN}, arm="tunnel", kind="achieved"})`, legend: 'achieved' }],
    }),
    figure({
      title: 'Success',
      description: 'Share of requests through the tunnel that were answered well, in all. Well from 99 % up.',
      unit: 'percentunit',
      span: 4,
      queries: [
        {
          expr: `sum(sallyport_load_requests_total{${RUN}, arm="tunnel", outcome="ok"}) / sum(sallyport_load_requests_total{${RUN}, arm="tunnel"})`,
          legend: 'ok',
        },
      ],
      steps: wellFrom(0.99),
      alert: 'SallyportSuccessLow',
    }),
    figure({
      title: 'p99',
      description: 'Through the tunnel, of this step so far, from the moment a request was due. Well below 50 ms.',
      unit: 's',
      span: 4,
      queries: [{ expr: `max(sallyport_load_latency_seconds{${RUN}, arm="tunnel", quantile="0.99"})`, legend: 'p99' }],
      steps: badFrom(P99_S),
      alert: 'SallyportLatencyP99High',
    }),
    figure({
      title: 'Generator’s lag p99',
      description:
        'How late requests left. Over some milliseconds the generator is too busy, and its figures prove little.',
      unit: 's',
      span: 4,
      queries: [{ expr: `max(sallyport_load_lag_seconds{${RUN}, quantile="0.99"})`, legend: 'lag' }],
      steps: badFrom(0.02, 0.005),
    }),
  ],
};

const load: Row = {
  title: 'The load',
  panels: [
    graph({
      title: 'Asked and achieved',
      description:
        'Where achieved stays below asked, the step is not carried: too slow, failing, or a generator that is late.',
      unit: 'reqps',
      span: 8,
      queries: [{ expr: `sum by (arm, kind) (sallyport_load_rate{${RUN}})`, legend: '{{arm}} {{kind}}' }],
    }),
    graph({
      title: 'Outcomes',
      description: 'Answered well, failed, and dropped (due while too many were in flight), a second.',
      unit: 'reqps',
      span: 8,
      queries: [
        {
          expr: `sum by (arm, outcome) (${rate(`sallyport_load_requests_total{${RUN}}`)})`,
          legend: '{{arm}} {{outcome}}',
        },
      ],
      interval: SCRAPE,
      alert: 'SallyportSuccessLow',
    }),
    graph({
      title: 'Generator’s lag',
      description: 'How late requests left, p50 and p99, of this step so far.',
      unit: 's',
      span: 8,
      queries: [
        {
          expr: `max by (arm, quantile) (sallyport_load_lag_seconds{${RUN}, quantile=~"0.5|0.99"})`,
          legend: '{{arm}} p{{quantile}}',
        },
      ],
    }),
  ],
};

const times: Row = {
  title: 'Response times, of each step so far',
  panels: [
    graph({
      title: 'p50, by arm',
      description:
        'Tunnel: through the tunnel. Direct: the backend itself. From the moment a request was due to its last byte.',
      unit: 's',
      span: 8,
      queries: [quantiles('0.5')],
    }),
    graph({
      title: 'p99, by arm',
      description: 'The slowest hundredth of each arm. The line is at 50 ms.',
      unit: 's',
      span: 8,
      queries: [quantiles('0.99')],
      steps: badFrom(P99_S),
      alert: 'SallyportLatencyP99High',
    }),
    graph({
      title: 'Added by the tunnel',
      description: 'Tunnel less direct, at p50 and p99. Needs --direct.',
      unit: 's',
      span: 8,
      queries: [
        { expr: added('0.5'), legend: 'p50' },
        { expr: added('0.99'), legend: 'p99' },
      ],
    }),
  ],
};

const tunnel: Row = {
  title: 'The tunnel meanwhile',
  panels: [
    graph({
      title: 'Mean by hop',
      description:
        'Where the time of requests goes, of all that the entries serve now. The hop that grows with the rate is the one to look at.',
      unit: 's',
      span: 8,
      stacked: 'normal',
      queries: [{ expr: mean('sallyport_hop_seconds', '', ['hop']), legend: '{{hop}}' }],
      alert: 'SallyportLatencyMeanHigh',
    }),
    graph({
      title: 'Slots and queue',
      description: 'Where no slot is free requests wait, and the rate is bounded by slots and the backend’s time.',
      unit: 'short',
      span: 8,
      queries: [
        { expr: 'sum by (state) (sallyport_slots{part="server"})', legend: 'slots {{state}}' },
        { expr: orZero('sum(sallyport_queue_length{part="server"})'), legend: 'requests waiting' },
      ],
      alert: 'SallyportSlotsNearlyFull',
    }),
    graph({
      title: 'CPU',
      description: 'Cores used by each part: what a machine that is shared with the generator has to share.',
      unit: 'short',
      span: 8,
      queries: [
        {
          expr: `sum by (job, instance) (${rate('process_cpu_seconds_total{job=~"sallyport-(entry|server|client)"}')})`,
          legend: '{{job}} {{instance}}',
        },
      ],
    }),
  ],
};

export const loadRun = (): Dashboard =>
  makeBoard({
    name: 'load-run',
    title: 'Sallyport: load run',
    description:
      'A load test under way ("sallyport load … --metrics-port N"): rates, outcomes, response times, and the tunnel beside them.',
    choices: [{ name: 'instance', label: 'Run', query: 'label_values(sallyport_load_step, instance)' }],
    refresh: '5s',
    events: [
      {
        name: 'Steps',
        expr: `sallyport_load_step_start_timestamp_seconds{${RUN}} * 1000`,
        title: 'step {{step}}: {{rate}}/s',
        color: 'blue',
        isTime: true,
      },
    ],
    rows: [now, load, times, tunnel],
  });
