import { K6_ERRORS, K6_STATUSES, submetric, tagOf } from '../k6/plan.ts';
import { TIMED_HOPS } from '../report/model.ts';
import type { ArmName, ArmReport, GeneratorReport, HopsReport, Latencies } from '../report/model.ts';
import type { EnginePlan, StepMeasurement } from './plan.ts';

/** The part of k6's summary (`handleSummary`) that is read; a figure that was never added to is absent or zero. */
export type K6Metrics = Record<string, { values: Record<string, number> } | undefined>;

/** With less of its load offered than this a step was cut short. */
const COMPLETE_SHARE = 0.98;

type Loss = Pick<GeneratorReport, 'stealPercent' | 'throttledPercent'>;

/**
 * The steps of a k6 run as any engine reports them. Steps that did not begin are left out.
 * @param stopped the run ended early, so that a step may have been cut short; otherwise what is missing was never sent:
 *   a k6 that is out of breath at a step's end neither starts the rest nor counts it as dropped
 */
export function stepsOf(metrics: K6Metrics, plan: EnginePlan, loss: Loss, stopped: boolean): StepMeasurement[] {
  const measured: StepMeasurement[] = [];
  for (const [index, { rate, durationS }] of plan.steps.entries()) {
    const offered = offeredOf(metrics, index);
    if (offered === 0) continue;
    const share = offered / Math.round(rate * durationS);
    const complete = !stopped || share >= COMPLETE_SHARE;
    const lastedS = complete ? durationS : offered / rate;
    const arms: StepMeasurement['arms'] = {};
    for (const { name } of plan.arms) {
      const report = armOf(metrics, name, index, lastedS);
      if (report !== null) arms[name] = report;
    }
    const generator = generatorOf(Object.values(arms), plan.maxInFlight, loss, complete ? Math.min(1, share) : 1);
    const hopsMs = hopsOf(metrics, index);
    measured.push({ rate, durationS: lastedS, complete, arms, hopsMs, generator, seconds: [], histograms: null });
  }
  return measured;
}

function offeredOf(metrics: K6Metrics, step: number): number {
  const sum = (metric: string): number => count(metrics, submetric(metric, 'tunnel', step));
  return sum('sallyport_ok') + sum('sallyport_failed') + sum('dropped_iterations');
}

/** One arm in one step or in all; null where it did nothing. */
export function armOf(metrics: K6Metrics, arm: ArmName, step: number | 'all', durationS: number): ArmReport | null {
  const of = (metric: string): string => submetric(metric, arm, step);
  const ok = count(metrics, of('sallyport_ok'));
  const failed = count(metrics, of('sallyport_failed'));
  const dropped = count(metrics, of('dropped_iterations'));
  if (ok + failed + dropped === 0) return null;
  return {
    requests: ok + failed,
    ok,
    failed,
    dropped,
    achievedRate: count(metrics, of('sallyport_kept')) / durationS,
    latencyMs: latencies(metrics, of('sallyport_response')),
    serviceMs: latencies(metrics, of('sallyport_service')),
    lagMs: latencies(metrics, of('sallyport_lag')),
    statusCodes: statusCodes(metrics, arm, step),
    errors: errors(metrics, arm, step),
    errorHops: {},
    bytesIn: count(metrics, of('data_received')),
    bytesOut: count(metrics, of('data_sent')),
    inFlightMax: 0,
    elapsedS: durationS,
  };
}

function statusCodes(metrics: K6Metrics, arm: ArmName, step: number | 'all'): Record<string, number> {
  const codes: Record<string, number> = {};
  for (const status of K6_STATUSES) {
    const answers = count(metrics, `http_reqs{arm:${arm},${tagOf(step)},status:${status}}`);
    if (answers > 0 && status !== 0) codes[status] = answers;
  }
  return codes;
}

function errors(metrics: K6Metrics, arm: ArmName, step: number | 'all'): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const [code, kind] of Object.entries(K6_ERRORS)) {
    const times = count(metrics, `http_reqs{arm:${arm},${tagOf(step)},error_code:${code}}`);
    if (times > 0) kinds[kind] = (kinds[kind] ?? 0) + times;
  }
  return kinds;
}

function hopsOf(metrics: K6Metrics, step: number): HopsReport | null {
  const trend = (hop: string) => metrics[submetric(`sallyport_hop_${hop}`, 'tunnel', step)]?.values;
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

function latencies(metrics: K6Metrics, name: string): Latencies {
  const values = metrics[name]?.values ?? {};
  const of = (key: string): number => Math.round((values[key] ?? 0) * 1000) / 1000;
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
