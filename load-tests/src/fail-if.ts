import type { AddedReport, ArmName, ArmReport, GeneratorReport, Latencies, ThresholdReport } from '../report/model.ts';
import type { Limit } from '../engine/plan.ts';
import { LoadError } from './errors.ts';

const EXAMPLE = 'write it like p99>50ms, failed>0, success<99% or added>5ms';
const EXPRESSION = /^\s*([a-z0-9.]+)\s*(>=|<=|>|<)\s*(\d+(?:\.\d+)?)\s*([a-zµ%/]*)\s*$/i;
const MS_PER_UNIT: Readonly<Record<string, number>> = { us: 0.001, µs: 0.001, ms: 1, s: 1000 };
/** Mid-step, figures that can still recover are only believed after this long. */
const SETTLE_S = 10;

/** What a threshold looks at: a step, or a step so far. */
export type Judged = { tunnel: ArmReport; added: AddedReport | null; generator: GeneratorReport | null };

type Metric = {
  unit: 'time' | 'share' | 'count' | 'rate';
  /** Once over a limit it stays over it for the rest of the step. */
  isFinal?: boolean;
  read: (judged: Judged) => number | null;
};

const latency = (key: keyof Latencies): Metric => ({ unit: 'time', read: ({ tunnel }) => tunnel.latencyMs[key] });

const METRICS: Readonly<Record<string, Metric>> = {
  mean: latency('mean'),
  p50: latency('p50'),
  p75: latency('p75'),
  p90: latency('p90'),
  p95: latency('p95'),
  p99: latency('p99'),
  p999: latency('p999'),
  'p99.9': latency('p999'),
  max: { ...latency('max'), isFinal: true },
  success: {
    unit: 'share',
    read: ({ tunnel: { ok, requests, dropped } }) =>
      requests + dropped === 0 ? null : (100 * ok) / (requests + dropped),
  },
  failed: { unit: 'count', isFinal: true, read: ({ tunnel }) => tunnel.failed },
  dropped: { unit: 'count', isFinal: true, read: ({ tunnel }) => tunnel.dropped },
  rate: { unit: 'rate', read: ({ tunnel }) => tunnel.achievedRate },
  added: { unit: 'time', read: ({ added }) => added?.p50 ?? null },
  'added.p99': { unit: 'time', read: ({ added }) => added?.p99 ?? null },
  lag: { unit: 'time', read: ({ generator }) => generator?.lagP99Ms ?? null },
};

/** A limit as it was written. */
export type Threshold = Limit & { expression: string };

/**
 * Parses one `--fail-if`: metric, `>` `>=` `<` `<=`, number, unit. Latencies are those through the tunnel and need
 * `us`, `ms` or `s`; `success`, of all arrivals with the dropped ones, needs `%`; `rate` may have `/s`; `failed` and `dropped` are plain numbers; `added` is
 * the added median, `lag` the p99 of the generator's lag.
 * @throws LoadError `SP_LOAD_FAIL_IF`
 */
export function parseFailIf(expression: string): Threshold {
  const match = EXPRESSION.exec(expression);
  if (match === null) throw refuse(expression, 'is not understood');
  const [, name = '', operator = '', number = '', unit = ''] = match;
  const metric = name.toLowerCase();
  const known = Object.hasOwn(METRICS, metric) ? METRICS[metric] : undefined;
  if (known === undefined) throw refuse(expression, `has no metric of ${Object.keys(METRICS).join(', ')}`);
  const factor = unitFactor(known.unit, unit.toLowerCase());
  if (factor === null) throw refuse(expression, unit === '' ? 'lacks a unit' : `has the wrong unit "${unit}"`);
  return { expression: expression.trim(), metric, operator, limit: Number(number) * factor };
}

function unitFactor(kind: Metric['unit'], unit: string): number | null {
  if (kind === 'time') return MS_PER_UNIT[unit] ?? null;
  if (kind === 'share') return unit === '%' ? 1 : null;
  if (kind === 'rate') return unit === '' || unit === '/s' ? 1 : null;
  return unit === '' ? 1 : null;
}

function refuse(expression: string, why: string): LoadError {
  return new LoadError('SP_LOAD_FAIL_IF', `--fail-if ${JSON.stringify(expression)} ${why}; ${EXAMPLE}`);
}

/**
 * A limit on what is never measured would never fail: `added` needs the direct arm beside the tunnel.
 * @throws LoadError `SP_LOAD_FAIL_IF` of exit code 2
 */
export function refuseUnread(thresholds: readonly Threshold[], arms: readonly { name: ArmName }[]): void {
  const unread = thresholds.find(({ metric }) => metric.startsWith('added'));
  if (unread === undefined || arms.some(({ name }) => name === 'direct')) return;
  const fix = 'give --direct URL, the backend itself, or leave it out';
  throw new LoadError(
    'SP_LOAD_FAIL_IF',
    `--fail-if ${JSON.stringify(unread.expression)} needs the direct path beside the tunnel; ${fix}`,
  );
}

/** The figure, where it is on the failing side; otherwise null. */
export function violation({ metric, operator, limit }: Threshold, judged: Judged): number | null {
  const value = METRICS[metric]?.read(judged) ?? null;
  if (value === null) return null;
  const fails = {
    '>': value > limit,
    '>=': value >= limit,
    '<': value < limit,
    '<=': value <= limit,
  }[operator];
  return fails === true ? value : null;
}

/** The first threshold that a step under way has failed for good, or has failed for long enough to say so. */
export function failedAlready(thresholds: readonly Threshold[], tunnel: ArmReport, elapsedS: number): Threshold | null {
  const judged: Judged = { tunnel, added: null, generator: null };
  const settled = (threshold: Threshold): boolean =>
    METRICS[threshold.metric]?.isFinal === true ? threshold.operator.startsWith('>') : elapsedS >= SETTLE_S;
  return thresholds.find((threshold) => settled(threshold) && violation(threshold, judged) !== null) ?? null;
}

/** Every threshold against every step, for the report. */
export function judgeSteps(
  thresholds: readonly Threshold[],
  steps: readonly (Judged & { rate: number })[],
): ThresholdReport[] {
  return thresholds.map((threshold) => {
    const failures = steps
      .map((step) => ({ rate: step.rate, value: violation(threshold, step) }))
      .filter((failure): failure is { rate: number; value: number } => failure.value !== null);
    const values = failures.map(({ value }) => value);
    const worst = threshold.operator.startsWith('>') ? Math.max(...values) : Math.min(...values);
    return {
      expression: threshold.expression,
      failedAt: failures.map(({ rate }) => rate),
      worst: values.length === 0 ? null : worst,
    };
  });
}
