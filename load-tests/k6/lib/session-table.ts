import { columns, ms } from '../../report/format.ts';
import { sessionMetric } from './names.ts';
import type { K6Plan } from './plan.ts';
import { latencies } from './summary.ts';
import type { K6Metrics } from './summary.ts';

const MOST_ROWS = 10;

/** The slowest sessions by p99, beside the fastest: whether all are served alike. Empty where there is but one. */
export function sessionTable(plan: K6Plan, metrics: K6Metrics): string {
  if (plan.sessions.length === 0) return '';
  const all = plan.sessions
    .map((name, index) => ({ name, latency: latencies(metrics, sessionMetric(index)) }))
    .sort((a, b) => b.latency.p99 - a.latency.p99);
  const shown = all.length > MOST_ROWS ? [...all.slice(0, MOST_ROWS - 1), ...all.slice(-1)] : all;
  const rows = shown.map(({ name, latency }) => [name, ms(latency.p50), ms(latency.p99), ms(latency.max)]);
  return `\nSessions, slowest first, the last one fastest:\n${columns([['session', 'p50 ms', 'p99', 'max'], ...rows])}`;
}
