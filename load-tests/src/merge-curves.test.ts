import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CURVE_PERCENTILES } from '../k6/lib/plan.ts';
import type { CurvePoint, LoadReport } from '../report/model.ts';
import { sampleReport } from '../report/testing/sample.ts';
import { fromCurve, mergeCurves } from './merge-curves.ts';

/** As k6 takes it: of ranks, and between them on a straight line. */
function percentileOf(sorted: readonly number[], percentile: number): number {
  const rank = (percentile / 100) * (sorted.length - 1);
  const [below = 0, above = 0] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]];
  return below + (above - below) * (rank - Math.floor(rank));
}

function curveOf(values: readonly number[]): CurvePoint[] {
  const sorted = values.toSorted((a, b) => a - b);
  const known = CURVE_PERCENTILES.filter((percentile) => (100 - percentile) * sorted.length >= 100);
  return [0, ...known, 100].map((percentile) => [percentile, percentileOf(sorted, percentile)]);
}

/** A body around `ms` and a tail that is ten times as long, in whole milliseconds as k6 counts them. */
function sample(count: number, ms: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const place = (index + 0.5) / count;
    return Math.round(ms - ms * 0.2 * Math.log(1 - place) + (place > 0.98 ? 10 * ms * (place - 0.98) * 50 : 0));
  });
}

function reportWith(values: readonly number[]): LoadReport {
  const report = structuredClone(sampleReport());
  report.tool.engine = 'k6';
  for (const step of report.steps) {
    delete step.arms.direct;
    step.arms.tunnel = { ...step.arms.tunnel, requests: values.length, curve: curveOf(values) };
  }
  delete report.totals.arms.direct;
  return report;
}

describe('percentiles of several generators', () => {
  test('come out as those of all requests together, though each told only its own', () => {
    const [quick, slow] = [sample(20_000, 20), sample(5000, 80)];
    const both = [...quick, ...slow].sort((a, b) => a - b);
    const merged = mergeCurves([reportWith(quick), reportWith(slow)])?.tunnel?.get(0)?.all;
    assert.ok(merged !== undefined && merged.count === both.length);
    for (const percentile of [10, 50, 75, 80, 90, 95, 99, 99.9]) {
      const told: number = merged.at(percentile);
      const exact = percentileOf(both, percentile);
      assert.ok(Math.abs(told - exact) <= 0.01 * exact, `p${percentile}: ${told} for ${exact}`);
    }
  });

  test('are not made up where a report has no curve, or says more requests than a generator can have kept', () => {
    const bare = reportWith(sample(100, 10));
    delete bare.steps[0]?.arms.tunnel.curve;
    assert.equal(mergeCurves([reportWith(sample(100, 10)), bare]), null);
    const boundless = reportWith(sample(100, 10));
    for (const { arms } of boundless.steps) arms.tunnel.requests = 1e12;
    assert.equal(mergeCurves([boundless, boundless]), null);
  });
});

describe('a curve as values', () => {
  test('has as many as were counted, of one level or a single one too', () => {
    const level: CurvePoint[] = [
      [0, 5],
      [50, 5],
      [100, 5],
    ];
    const values = fromCurve(level, 7);
    assert.deepEqual([values.count, values.at(0), values.at(100)], [7, 5, 5]);
    assert.deepEqual([fromCurve(level, 1).count, fromCurve(level, 0).count], [1, 0]);
  });
});
