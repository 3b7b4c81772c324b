import { TIMED_HOPS } from '../../report/model.ts';
import type { Limit } from '../../engine/plan.ts';
import {
  COUNTERS,
  ERROR_KINDS,
  K6_COUNTERS,
  OTHER_STATUS,
  STATUSES,
  TRENDS,
  errorMetric,
  hopMetric,
  sessionMetric,
  statusMetric,
  submetric,
} from './names.ts';
import type { K6Plan } from './plan.ts';

export type Threshold = string | { threshold: string; abortOnFail: boolean; delayAbortEval: string };

const ABORT_DELAY = '10s';
/** Always true; it makes k6 keep the figure by step. */
const KEEP_TREND = 'max>=0';
const KEEP_COUNT = 'count>=0';

/** k6 keeps a figure apart by tag only where a threshold asks for it; so every figure of the report gets one. */
export function thresholdsOf(plan: K6Plan): Record<string, Threshold[]> {
  const thresholds: Record<string, Threshold[]> = {};
  const counters = [
    ...COUNTERS,
    ...K6_COUNTERS,
    ...[...STATUSES, OTHER_STATUS].map((status) => statusMetric(status)),
    ...ERROR_KINDS.map((kind) => errorMetric(kind)),
  ];
  for (const { name: arm } of plan.arms) {
    const trends = [...TRENDS, ...(arm === 'tunnel' ? TIMED_HOPS.map((hop) => hopMetric(hop)) : [])];
    for (const step of ['all' as const, ...plan.steps.keys()]) {
      for (const trend of trends) thresholds[submetric(trend, arm, step)] = [KEEP_TREND];
      for (const counter of counters) thresholds[submetric(counter, arm, step)] = [KEEP_COUNT];
    }
  }
  for (const session of plan.sessions.keys()) thresholds[sessionMetric(session)] = [KEEP_TREND];
  for (const { metric, threshold } of k6Limits(plan.limits)) {
    for (const step of plan.steps.keys()) {
      const limit = { threshold, abortOnFail: plan.abortOnFail, delayAbortEval: ABORT_DELAY };
      thresholds[submetric(metric, 'tunnel', step)]?.push(limit);
    }
  }
  return thresholds;
}

const STATISTICS: Readonly<Record<string, string>> = {
  mean: 'avg',
  p50: 'p(50)',
  p75: 'p(75)',
  p90: 'p(90)',
  p95: 'p(95)',
  p99: 'p(99)',
  p999: 'p(99.9)',
  'p99.9': 'p(99.9)',
  max: 'max',
};
const COUNTED: Readonly<Record<string, string>> = { failed: 'sallyport_failed', dropped: 'dropped_iterations' };
/** A limit says when to fail, a k6 threshold what must hold. */
const OPPOSITE: Readonly<Record<string, string>> = { '>': '<=', '>=': '<', '<': '>=', '<=': '>' };

/** The limits that k6 can judge by itself while it runs; the others are judged when it has ended. */
export function k6Limits(limits: readonly Limit[]): { metric: string; threshold: string }[] {
  const known = [];
  for (const { metric, operator, limit } of limits) {
    const statistic = STATISTICS[metric];
    const counter = COUNTED[metric];
    const rest = `${OPPOSITE[operator]}${limit}`;
    if (statistic !== undefined) known.push({ metric: 'sallyport_response', threshold: `${statistic}${rest}` });
    else if (counter !== undefined) known.push({ metric: counter, threshold: `count${rest}` });
  }
  return known;
}
