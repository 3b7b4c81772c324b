import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { helpOf, HOPS, type KnownMetric, METRIC_HELP } from './catalogue.ts';
import type { Clock } from './clock.ts';
import { Counter, LabelledCounter } from './counter.ts';
import { eventLoopActiveS, watchEventLoop } from './event-loop.ts';
import { Gauges } from './gauges.ts';
import { Histogram } from './histogram.ts';
import { destinationOf } from './logger.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import { type RateLimitedLog, rateLimitedLog } from './rate-limited-log.ts';
import { histogramSamples, type Labels, registerSampled } from './sampled-metric.ts';
import { StatusCounts } from './status-counts.ts';

export type Part = 'entry' | 'server' | 'client';

export type TelemetryOptions = {
  part: Part;
  version: string;
  /** Made by `createLogger`, so that the lines it loses are counted here. */
  logger: Logger;
  /** Limits and codes known beforehand, shown as 0 until they happen. */
  limits?: readonly string[];
  codes?: readonly string[];
  clock?: Clock;
};

const US_PER_S = 1e6;

/**
 * What one part counts and measures, in a registry of its own (several parts may share a process). Nothing here throws
 * once set up, and what is called per request allocates nothing. Seconds throughout, as Prometheus has it.
 */
export class Telemetry {
  readonly part: Part;
  readonly registry = new Registry();
  readonly #labels: Labels;
  readonly #statuses = new StatusCounts();
  readonly #limits: LabelledCounter;
  readonly #refusals: LabelledCounter;
  readonly #requests: Histogram;
  readonly #hops = HOPS.map(() => new Histogram());
  readonly #queue: Histogram;
  readonly #canary: Histogram;
  readonly #reconnects: Counter;
  readonly #gauges: Gauges;
  readonly #limitLog: RateLimitedLog;
  readonly #unwatch: () => void;

  constructor({ part, version, logger, limits, codes, clock }: TelemetryOptions) {
    this.part = part;
    this.#labels = { part };
    this.#requests = this.#histogram('sallyport_request_seconds', this.#labels);
    this.#queue = this.#histogram('sallyport_queue_seconds', {});
    this.#canary = this.#histogram('sallyport_canary_seconds', {});
    this.#limits = this.labelledCounter('sallyport_limit_hits_total', 'limit', limits);
    this.#refusals = this.labelledCounter('sallyport_refused_total', 'code', codes);
    this.#reconnects = this.#counter('sallyport_reconnects_total', {}, METRIC_HELP.sallyport_reconnects_total);
    const gaugeErrors = this.counter('sallyport_gauge_errors_total');
    this.#gauges = new Gauges(this.registry, () => gaugeErrors.inc());
    this.#unwatch = watchEventLoop(this.#histogram('sallyport_event_loop_delay_seconds', this.#labels));
    this.#registerOwn(version, logger);
    registerProcessMetrics(this.registry);
    this.#limitLog = rateLimitedLog(
      (limit, hits) => logger.warn({ limit, hits }, 'limit reached'),
      clock === undefined ? {} : { clock },
    );
  }

  /** An answer: its status, and the seconds from the request to the head of the answer. */
  countRequest(status: number, seconds: number): void {
    this.#statuses.count(status);
    this.#requests.observe(seconds);
  }

  /** Microseconds in entry, uplink, queue, link, slot, client, backend. The array is read, not kept. */
  observeHops(hopsUs: Float64Array | readonly number[]): void {
    for (let i = 0; i < HOPS.length; i++) this.#hops[i]!.observe(hopsUs[i]! / US_PER_S);
  }

  /** A configured limit was reached: counted, and logged as `limit reached` at most once a minute per limit. */
  limitHit(limit: string): void {
    this.#limits.inc(limit);
    this.#limitLog.hit(limit);
  }

  /** A request or link was refused with this code of ours (`SP_…`). */
  refused(code: string): void {
    this.#refusals.inc(code);
  }

  /** A link stands again after one was lost. */
  reconnected(): void {
    this.#reconnects.inc();
  }

  /** Round trip of one canary. */
  observeCanary(seconds: number): void {
    this.#canary.observe(seconds);
  }

  /** Time one request waited for its slot. */
  observeQueue(seconds: number): void {
    this.#queue.observe(seconds);
  }

  /**
   * A value read when somebody scrapes; `part` is added to the labels. Throws when name and labels are taken; a `read`
   * that throws leaves its line out of that scrape and is counted. The answer takes the gauge away again.
   */
  gauge(name: string, labels: Labels, read: () => number, help?: string): () => void {
    return this.#gauges.add(name, { ...this.#labels, ...labels }, read, help);
  }

  /** Another counter, labelled with `part`. The name should end in `_total`; throws when it is taken. */
  counter(name: string, help = helpOf(name) ?? name): Counter {
    return this.#counter(name, this.#labels, help);
  }

  /** A counter told apart by one more label, at most 128 values of it; later ones count as `other`. `known` start at 0. */
  labelledCounter(
    name: string,
    label: string,
    known?: readonly string[],
    help = helpOf(name) ?? name,
  ): LabelledCounter {
    const counter = new LabelledCounter(known);
    this.#registerLabelled(name, label, help, () => counter.entries());
    return counter;
  }

  /** Another histogram in seconds, labelled with `part`. Throws when the name is taken or the bounds do not rise. */
  histogram(name: string, help: string, boundsS?: readonly number[]): Histogram {
    return this.#histogram(name, this.#labels, help, boundsS);
  }

  /** Everything in Prometheus' text format, to be sent as `contentType`. */
  metricsText(): Promise<string> {
    return this.registry.metrics();
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** Ends the timers and writes the log line of limits that is still held back. */
  close(): void {
    this.#unwatch();
    this.#limitLog.close();
  }

  #registerOwn(version: string, logger: Logger): void {
    this.#registerLabelled('sallyport_requests_total', 'code', METRIC_HELP.sallyport_requests_total, () =>
      this.#statuses.entries(),
    );
    const hops = 'sallyport_hop_seconds';
    registerSampled(this.registry, { name: hops, help: METRIC_HELP[hops], type: 'histogram' }, () =>
      HOPS.flatMap((hop, i) => histogramSamples(hops, { hop }, this.#hops[i]!)),
    );
    const lost = destinationOf(logger)?.lost;
    this.#registerLabelled('sallyport_log_lines_lost_total', 'where', METRIC_HELP.sallyport_log_lines_lost_total, () =>
      lost ? lost.entries() : [],
    );
    const active = 'sallyport_event_loop_active_seconds_total';
    registerSampled(this.registry, { name: active, help: METRIC_HELP[active], type: 'counter' }, () => [
      { labels: this.#labels, value: eventLoopActiveS() },
    ]);
    const build = 'sallyport_build_info';
    const labels = { version, node: process.versions.node, ...this.#labels };
    registerSampled(this.registry, { name: build, help: METRIC_HELP[build], type: 'gauge' }, () => [
      { labels, value: 1 },
    ]);
  }

  #registerLabelled(name: string, label: string, help: string, entries: () => Iterable<[string, number]>): void {
    registerSampled(this.registry, { name, help, type: 'counter' }, () =>
      Array.from(entries(), ([value, count]) => ({ labels: { ...this.#labels, [label]: value }, value: count })),
    );
  }

  #counter(name: string, labels: Labels, help: string): Counter {
    const counter = new Counter();
    registerSampled(this.registry, { name, help, type: 'counter' }, () => [{ labels, value: counter.value }]);
    return counter;
  }

  #histogram(name: string, labels: Labels, help = METRIC_HELP[name as KnownMetric], boundsS?: readonly number[]) {
    const histogram = new Histogram(boundsS);
    registerSampled(this.registry, { name, help, type: 'histogram' }, () => histogramSamples(name, labels, histogram));
    return histogram;
  }
}

/** Telemetry of one part. End it with `close()`. */
export const createTelemetry = (options: TelemetryOptions): Telemetry => new Telemetry(options);
