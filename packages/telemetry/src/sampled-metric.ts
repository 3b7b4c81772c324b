import type { Metric, Registry } from 'prom-client';
import type { Histogram } from './histogram.ts';

export type Labels = Readonly<Record<string, string>>;

/** One line of a scrape. `metricName` is for histograms, whose lines are not named after the metric. */
export type Sample = { labels: Labels; value: number; metricName?: string };

export type MetricHead = { name: string; help: string; type: 'counter' | 'gauge' | 'histogram' };

const METRIC_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Puts a metric of ours into prom-client's registry, which asks it for `get()` at each scrape: what is counted on the
 * hot path stays a plain number until somebody reads it. Throws when the name is taken or is not one.
 */
export function registerSampled(
  registry: Registry,
  head: MetricHead,
  collect: () => Sample[] | Promise<Sample[]>,
): void {
  if (!METRIC_NAME.test(head.name)) throw new TypeError(`${JSON.stringify(head.name)} is not a metric name`);
  const metric = {
    name: head.name,
    get: async () => ({ ...head, values: await collect(), aggregator: 'sum' }),
    /** Prometheus counts from the start of the process; nothing is ever set back. */
    reset: () => undefined,
  };
  // The registry uses name, get and reset; its type lists prom-client's own classes only.
  registry.registerMetric(metric as unknown as Metric);
}

/** The lines of one histogram under `labels`: buckets, `+Inf`, sum and count. */
export function histogramSamples(name: string, labels: Labels, histogram: Histogram): Sample[] {
  const { count } = histogram;
  const metricName = `${name}_bucket`;
  const samples: Sample[] = histogram.cumulative().map((value, i) => ({
    labels: { ...labels, le: String(histogram.boundsS[i]) },
    value,
    metricName,
  }));
  samples.push(
    { labels: { ...labels, le: '+Inf' }, value: count, metricName },
    { labels, value: histogram.sumS, metricName: `${name}_sum` },
    { labels, value: count, metricName: `${name}_count` },
  );
  return samples;
}
