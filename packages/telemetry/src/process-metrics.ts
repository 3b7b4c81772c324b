import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { type Metric, type Registry, collectDefaultMetrics, Registry as PromRegistry } from 'prom-client';
import { registerSampled } from './sampled-metric.ts';

/**
 * Left out of prom-client's set. Counting handles blocks the event loop for 6 ms with 5,000 connections (measured), and
 * the connections are exported anyway. The delay of the event loop has a floor of 10 ms there and is set back by every
 * scrape: `event-loop.ts` measures it instead. Descriptors are below.
 */
const LEFT_OUT = [/^nodejs_eventloop_lag_/, /^nodejs_active_/, /^process_open_fds$/];
/** The monitor behind the left-out delay cannot be turned off, only made to sleep. */
const NEVER_MS = 2 ** 31 - 1;

const DESCRIPTORS = '/proc/self/fd';

let shared: PromRegistry | null = null;

/**
 * Memory, CPU, descriptors, heap and garbage collection of the process, collected once however many parts live in it,
 * and shown by each. prom-client's observer of collections lives as long as the process.
 */
export function registerProcessMetrics(registry: Registry): void {
  shared ??= collect();
  for (const metric of shared.getMetricsAsArray()) {
    const leftOut = LEFT_OUT.some((pattern) => pattern.test(metric.name));
    if (!leftOut) registry.registerMetric(metric as unknown as Metric);
  }
  const head = { name: 'process_open_fds', help: 'Number of open file descriptors.', type: 'gauge' } as const;
  registerSampled(registry, head, async () => {
    const value = await openDescriptors();
    return value === null ? [] : [{ labels: {}, value }];
  });
}

function collect(): PromRegistry {
  const registry = new PromRegistry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS });
  return registry;
}

/**
 * Linux 6.2 and later answer with the size of the directory in 4 µs; listing it, as older kernels need, took 6 ms with
 * 8,760 descriptors. Null where there is no /proc.
 */
async function openDescriptors(): Promise<number | null> {
  try {
    return statSync(DESCRIPTORS).size || (await readdir(DESCRIPTORS)).length - 1;
  } catch {
    return null;
  }
}
