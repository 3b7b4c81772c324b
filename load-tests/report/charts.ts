import { capacityChart } from './capacity-chart.ts';
import { isWide, line, valuesIn } from './chart.ts';
import type { Chart, Line, Span, View } from './chart.ts';
import { rate } from './format.ts';
import { ARM_NAMES } from './model.ts';
import type { ArmName, ArmReport, CurvePoint, LoadReport, StepReport } from './model.ts';
import { timeCharts } from './time-charts.ts';

/** Every chart there is something to draw for, the main one first. */
export function chartsOf(report: LoadReport): Chart[] {
  const { steps, sections } = report;
  const rateChart = latencyByRate(report);
  const capacity = sections.capacity === undefined ? null : capacityChart(sections.capacity);
  const all = [rateChart, capacity, percentileChart(report), ...timeCharts(steps)];
  return all.filter((chart) => chart !== null);
}

/** For a pull request: latency against rate, or over time where there is but one rate. Null without either. */
export function mainChart(report: LoadReport): Chart | null {
  const charts = chartsOf(report);
  return (
    charts.find(({ id }) => id === 'latency-by-rate') ?? charts.find(({ id }) => id === 'latency-over-time') ?? null
  );
}

function latencyByRate({ steps, verdict, sections }: LoadReport): Chart | null {
  const tried = [...steps].sort((a, b) => a.rate - b.rate);
  const xs = tried.map(({ rate }) => rate);
  if (new Set(xs).size < 2 || new Set(xs).size < xs.length) return null;
  const lines = ARM_NAMES.flatMap((arm) =>
    (['p99', 'p50'] as const).map((percentile) => line(arm, percentile, valuesOf(tried, arm, percentile))),
  ).filter(({ values }) => values.some((value) => value !== null));
  const views = [{ label: 'all steps', xs, lines }];
  return {
    id: 'latency-by-rate',
    title: 'Latency against rate',
    note: 'from the intended start to the last byte',
    x: { label: 'requests/s', kind: 'rate', isLog: isWide(xs) },
    y: { label: 'ms', kind: 'ms', isLog: isWide(valuesIn(views)) },
    views,
    spans: kneeSpan(xs, verdict.kneeRate, sections.capacity?.knee ?? null),
  };
}

function kneeSpan(
  xs: number[],
  kneeRate: number | null,
  found: { carriedRate: number; refusedRate: number } | null,
): Span[] {
  if (found !== null) return [{ from: found.carriedRate, to: found.refusedRate, label: 'knee' }];
  if (kneeRate === null) return [];
  const before = xs.filter((rate) => rate < kneeRate).at(-1) ?? kneeRate;
  return [{ from: before, to: kneeRate, label: 'knee' }];
}

/** Null where nothing ended, or faster than a logarithmic axis can show. */
function valuesOf(steps: readonly StepReport[], arm: ArmName, percentile: 'p50' | 'p99'): (number | null)[] {
  return steps.map((step) => step.arms[arm]?.latencyMs[percentile] || null);
}

/**
 * Latency by percentile on the axis log10(1 / (1 − p)), a view per step; of windows of one rate all in one. Null where
 * nothing ended.
 */
function percentileChart({ steps, totals }: LoadReport): Chart | null {
  const areWindows = steps.length > 1 && new Set(steps.map(({ rate: own }) => own)).size === 1;
  const parts = areWindows
    ? [{ name: 'whole run', arms: totals.arms }]
    : steps.map((step, index) => ({
        name: `${rate(step.rate)} requests/s${isAlone(steps, step) ? '' : `, step ${index + 1}`}`,
        arms: step.arms,
      }));
  const views = parts.flatMap(({ name, arms }): View[] => {
    const curves = ARM_NAMES.flatMap((arm) => {
      const own = arms[arm];
      if (own === undefined || own.requests === 0) return [];
      return [{ arm, points: new Map(curveOf(own).map(([p, ms]) => [nines(p, own.requests), ms])) }];
    });
    if (curves.length === 0) return [];
    const xs = [...new Set(curves.flatMap(({ points }) => [...points.keys()]))].sort((a, b) => a - b);
    const lines = curves.map(({ arm, points }): Line => {
      const values = xs.map((x) => points.get(x) ?? null);
      return { ...line(arm, '', values, 'none'), label: arm, isBold: true };
    });
    return [{ label: name, xs, lines }];
  });
  if (views.length === 0) return null;
  return {
    id: 'percentiles',
    title: 'Percentiles',
    note: 'share of requests at least as fast, in %',
    x: { label: 'percentile', kind: 'nines', isLog: false },
    y: { label: 'ms', kind: 'ms', isLog: isWide(valuesIn(views)) },
    views,
    spans: [],
  };
}

/** The curve, or what there is of it where the engine keeps none. */
function curveOf({ curve, latencyMs }: ArmReport): CurvePoint[] {
  const { min, p50, p75, p90, p95, p99, p999, max } = latencyMs;
  const known: CurvePoint[] = [
    [0, min],
    [50, p50],
    [75, p75],
    [90, p90],
    [95, p95],
    [99, p99],
    [99.9, p999],
    [100, max],
  ];
  return curve ?? known;
}

function isAlone(steps: readonly StepReport[], { rate: own }: StepReport): boolean {
  return steps.filter((step) => step.rate === own).length === 1;
}

/** Place of a percentile on the axis; the maximum stands where one request of all is the rest. */
function nines(percentile: number, requests: number): number {
  const rest = percentile >= 100 ? 1 / Math.max(1, requests) : 1 - percentile / 100;
  return Number((-Math.log10(rest)).toFixed(4));
}
