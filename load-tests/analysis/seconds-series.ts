import type { ArmSecond, StepReport } from '../report/model.ts';
import { FAILED_MATTERS, P50_MATTERS, P99_MATTERS } from './soak.ts';
import type { Series } from './soak.ts';
import { pool } from './theil-sen.ts';
import type { Point } from './theil-sen.ts';

/** Of a run's seconds: at most this many intervals, each the median of its seconds. */
const INTERVALS = 240;
const S_PER_HOUR = 3600;
/** A second that is cut off, or in which hardly anybody answered, says nothing of its percentiles. */
const MIN_SECOND_S = 0.5;
const MIN_ANSWERS = 5;

/**
 * Over the run: p50 and p99 of the seconds of each arm, and the part of the tunnel's requests that failed in them; each
 * pooled to at most 240 intervals, `at` in hours.
 */
export function secondsSeries(steps: readonly StepReport[]): Series[] {
  let startS = 0;
  const seconds = steps.flatMap((step) => {
    const own = step.seconds.map((second) => ({ ...second, atS: startS + second.atS }));
    startS += step.durationS;
    return own;
  });
  const points = (arm: 'tunnel' | 'direct', read: (second: ArmSecond) => number): Point[] => {
    const all = seconds.flatMap(({ atS, lengthS, arms }) => {
      const second = arms[arm];
      if (second === undefined || lengthS < MIN_SECOND_S || second.ok + second.failed < MIN_ANSWERS) return [];
      return [{ at: atS / S_PER_HOUR, value: read(second) }];
    });
    return pool(all, Math.ceil(all.length / INTERVALS));
  };
  const metrics = [
    { metric: 'p50', matters: P50_MATTERS },
    { metric: 'p99', matters: P99_MATTERS },
  ] as const;
  const series = metrics.flatMap(({ metric, matters }): Series[] => {
    const name = `latency, ${metric}`;
    const common = { unit: 'ms', matters };
    const direct = { name: `latency of the backend alone, ${metric}`, beside: name };
    return [
      { ...common, name, points: points('tunnel', (second) => second[metric]) },
      { ...common, ...direct, points: points('direct', (second) => second[metric]) },
    ];
  });
  const failed = points('tunnel', (second) => (100 * second.failed) / (second.ok + second.failed));
  return [...series, { name: 'failed requests', unit: '%', matters: FAILED_MATTERS, points: failed }].filter(
    (each) => each.points.length > 0,
  );
}
