import { TIMED_HOPS } from '../../report/model.ts';
import type { ArmName, ArmReport, CurvePoint, GeneratorReport, HopsReport, Latencies } from '../../report/model.ts';
import type { StepMeasurement } from '../../engine/plan.ts';
import { ERROR_KINDS, OTHER_STATUS, STATUSES, errorMetric, hopMetric, statusMetric, submetric } from './names.ts';
import { CURVE_PERCENTILES, percentileStat } from './plan.ts';
import type { K6Plan } from './plan.ts';

/** The part of k6's summary (`handleSummary`) that is read; a figure that was never added to is absent or zero. */
export type K6Metrics = Record<string, { values: Record<string, number> } | undefined>;

/** With less of its load offered than this a step was cut short. */
const COMPLETE_SHARE = 0.98;

export type Loss = Pick<GeneratorReport, 'stealPercent' | 'throttledPercent'>;

/**
 * The steps of a k6 run as any engine reports them; of a shared plan, this generator's part. Steps that did not begin are left out.
 * @param stopped the run ended early, so that a step may have been cut short; otherwise what is missing was never sent:
 *   a k6 that is out of breath at a step's end neither starts the rest nor counts it as dropped
 */
export function stepsOf(metrics: K6Metrics, plan: K6Plan, loss: Loss, stopped: boolean): StepMeasurement[] {
  const measured: StepMeasurement[] = [];
  for (const [index, { rate: rateOfAll, durationS }] of plan.steps.entries()) {
    const rate = rateOfAll / plan.shards;
    const offered = offeredOf(metrics, index);
    if (offered === 0) continue;
    const share = plan.model === 'closed' ? 1 : offered / Math.round(rate * durationS);
    const complete = !stopped || share >= COMPLETE_SHARE;
    const lastedS = complete ? durationS : offered / rate;
    const arms: StepMeasurement['arms'] = {};
    for (const { name } of plan.arms) {
      const report = armOf(metrics, name, index, lastedS);
      if (report !== null) arms[name] = report;
    }
    const generator = generatorOf(Object.values(arms), plan.maxInFlight, loss, complete ? Math.min(1, share) : 1);
    const hopsMs = hopsOf(metrics, index);
    const reached = plan.model === 'closed' ? (arms.tunnel?.achievedRate ?? rate) : rate;
    measured.push({
      rate: reached,
      durationS: lastedS,
      complete,
      arms,
      hopsMs,
      generator,
      seconds: [],
      histograms: null,
    });
  }
  return measured;
}

function offeredOf(metrics: K6Metrics, step: number): number {
  const sum = (metric: string): number => count(metrics, submetric(metric, 'tunnel', step));
  return sum('sallyport_ok') + sum('sallyport_failed') + sum('sallyport_dropped') + sum('dropped_iterations');
}

/** One arm in one step or in all; null where it did nothing. */
export function armOf(metrics: K6Metrics, arm: ArmName, step: number | 'all', durationS: number): ArmReport | null {
  const of = (metric: string): string => submetric(metric, arm, step);
  const ok = count(metrics, of('sallyport_ok'));
  const failed = count(metrics, of('sallyport_failed'));
  const dropped = count(metrics, of('dropped_iterations')) + count(metrics, of('sallyport_dropped'));
  if (ok + failed + dropped === 0) return null;
  const curve = curveOf(metrics[of('sallyport_response')]?.values ?? {}, ok + failed);
  return {
    requests: ok + failed,
    ok,
    failed,
    dropped,
    achievedRate: count(metrics, of('sallyport_kept')) / durationS,
    latencyMs: latencies(metrics, of('sallyport_response')),
    serviceMs: latencies(metrics, of('sallyport_service')),
    lagMs: latencies(metrics, of('sallyport_lag')),
    statusCodes: counts(metrics, [...STATUSES.map((status) => `${status}`), OTHER_STATUS], statusMetric, of),
    errors: counts(metrics, ERROR_KINDS, errorMetric, of),
    errorHops: {},
    bytesIn: count(metrics, of('data_received')),
    bytesOut: count(metrics, of('data_sent')),
    inFlightMax: 0,
    elapsedS: durationS,
    ...(curve !== null && { curve }),
  };
}

/**
 * The response times as a distribution: as far as one request of `requests` is the rest, then the maximum. Null where k6
 * was not asked for it.
 */
function curveOf(values: Record<string, number>, requests: number): CurvePoint[] | null {
  const known = CURVE_PERCENTILES.filter((percentile) => (100 - percentile) * requests >= 100);
  const points = [
    [0, values['min']] as const,
    ...known.map((percentile) => [percentile, values[percentileStat(percentile)]] as const),
    [100, values['max']] as const,
  ];
  const told = points.flatMap(([percentile, ms]): CurvePoint[] =>
    ms === undefined ? [] : [[percentile, toMicroseconds(ms)]],
  );
  return told.length === points.length ? told : null;
}

/** Milliseconds with three digits. */
function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function counts(
  metrics: K6Metrics,
  names: readonly string[],
  metricOf: (name: string) => string,
  of: (metric: string) => string,
): Record<string, number> {
  const all = names.map((name) => [name, count(metrics, of(metricOf(name)))] as const);
  return Object.fromEntries(all.filter(([, times]) => times > 0));
}

function hopsOf(metrics: K6Metrics, step: number): HopsReport | null {
  const trend = (hop: string) => metrics[submetric(hopMetric(hop), 'tunnel', step)]?.values;
  if ((trend('total')?.['count'] ?? 0) === 0) return null;
  return Object.fromEntries(
    TIMED_HOPS.map((hop) => [hop, { p50: trend(hop)?.['p(50)'] ?? 0, p99: trend(hop)?.['p(99)'] ?? 0 }]),
  ) as HopsReport;
}

function generatorOf(arms: ArmReport[], maxInFlight: number, loss: Loss, sentRatio: number): GeneratorReport {
  return {
    lagP50Ms: Math.max(0, ...arms.map(({ lagMs }) => lagMs.p50)),
    lagP99Ms: Math.max(0, ...arms.map(({ lagMs }) => lagMs.p99)),
    elu: null,
    cpuPercent: null,
    sentRatio,
    maxInFlight,
    ...loss,
  };
}

export function latencies(metrics: K6Metrics, name: string): Latencies {
  const values = metrics[name]?.values ?? {};
  const of = (key: string): number => toMicroseconds(values[key] ?? 0);
  return {
    min: of('min'),
    mean: of('avg'),
    p50: of('p(50)'),
    p75: of('p(75)'),
    p90: of('p(90)'),
    p95: of('p(95)'),
    p99: of('p(99)'),
    p999: of('p(99.9)'),
    max: of('max'),
  };
}

function count(metrics: K6Metrics, name: string): number {
  return metrics[name]?.values['count'] ?? 0;
}
