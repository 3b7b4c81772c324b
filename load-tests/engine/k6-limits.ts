import type { K6Limit } from '../k6/plan.ts';
import type { Limit } from './plan.ts';

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
const COUNTERS: Readonly<Record<string, string>> = { failed: 'sallyport_failed', dropped: 'dropped_iterations' };
/** A limit says when to fail, a k6 threshold what must hold. */
const OPPOSITE: Readonly<Record<string, string>> = { '>': '<=', '>=': '<', '<': '>=', '<=': '>' };

/** The limits that k6 can judge by itself while it runs; the others are judged when it has ended. */
export function k6Limits(limits: readonly Limit[]): K6Limit[] {
  const known: K6Limit[] = [];
  for (const { metric, operator, limit } of limits) {
    const statistic = STATISTICS[metric];
    const counter = COUNTERS[metric];
    const rest = `${OPPOSITE[operator]}${limit}`;
    if (statistic !== undefined) known.push({ metric: 'sallyport_response', threshold: `${statistic}${rest}` });
    else if (counter !== undefined) known.push({ metric: counter, threshold: `count${rest}` });
  }
  return known;
}
