import { getHeapStatistics } from 'node:v8';
import type { Logger } from 'pino';
import { COMMON_LIMITS, HOPS, LIMITS } from './catalogue.ts';
import type { Clock } from './clock.ts';
import type { Counter, LabelledCounter } from './counter.ts';
import { eventLoopActiveS, watchEventLoop } from './event-loop.ts';
import { Histogram } from './histogram.ts';
import { destinationOf } from './logger.ts';
import { type Part, PartMetrics } from './part-metrics.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import { type RateLimitedLog, rateLimitedLog } from './rate-limited-log.ts';
import { histogramSamples } from './sampled-metric.ts';
import { StatusCounts } from './status-counts.ts';

export type TelemetryOptions = {
  part: Part;
  version: string;
  /** Made by `createLogger`, so that the lines it loses are counted here. */
  logger: Logger;
  /** Codes of refusals known beforehand, shown as 0 until they happen. */
  codes?: readonly string[];
  clock?: Clock;
};

const US_PER_S = 1e6;
const SERIES_LIMIT = 'metric_series' satisfies (typeof COMMON_LIMITS)[number];

/**
 * What a part of Sallyport counts and measures. Nothing here throws once set up, and what is called per request
 * allocates nothing. Seconds throughout, as Prometheus has it.
 */
export class Telemetry extends PartMetrics {
  readonly #statuses = new StatusCounts();
  readonly #hops = HOPS.map(() => new Histogram());
  readonly #requests: Histogram;
  readonly #queue: Histogram;
  readonly #canary: Histogram;
  readonly #limits: LabelledCounter;
  readonly #refusals: LabelledCounter;
  readonly #reconnects: Counter;
  readonly #limitLog: RateLimitedLog;
  readonly #unwatch: () => void;

  constructor({ part, version, logger, codes, clock }: TelemetryOptions) {
    super(part, () => this.limitHit(SERIES_LIMIT));
    this.sampled('counter', 'sallyport_requests_total', () => this.perLabel('code', this.#statuses.entries()));
    this.#requests = this.histogram('sallyport_request_seconds');
    const hops = 'sallyport_hop_seconds';
    this.sampled('histogram', hops, () => HOPS.flatMap((hop, i) => histogramSamples(hops, { hop }, this.#hops[i]!)));
    this.#queue = this.histogram('sallyport_queue_seconds', { labels: {} });
    this.#canary = this.histogram('sallyport_canary_seconds', { labels: {} });
    this.#limits = this.labelledCounter('sallyport_limit_hits_total', 'limit', [...LIMITS[part], ...COMMON_LIMITS]);
    this.#refusals = this.labelledCounter('sallyport_refused_total', 'code', codes);
    this.#reconnects = this.counter('sallyport_reconnects_total', undefined, {});
    const lost = destinationOf(logger)?.lost;
    this.sampled('counter', 'sallyport_log_lines_lost_total', () => this.perLabel('where', lost?.entries() ?? []));
    this.counterOf('sallyport_event_loop_active_seconds_total', {}, eventLoopActiveS);
    this.gauge('sallyport_build_info', { version, node: process.versions.node }, () => 1);
    registerProcessMetrics(this.registry);
    const heap = getHeapStatistics;
    this.limit(
      'heap',
      () => heap().heap_size_limit,
      () => heap().used_heap_size,
    );
    this.#unwatch = watchEventLoop(this.histogram('sallyport_event_loop_delay_seconds'));
    const writeLimit = (limit: string, hits: number): void => logger.warn({ limit, hits }, 'limit reached');
    this.#limitLog = rateLimitedLog(writeLimit, clock === undefined ? {} : { clock });
  }

  /** An answer: its status, and the seconds from the request to the head of the answer. */
  countRequest(status: number, seconds: number): void {
    this.#statuses.count(status);
    this.#requests.observe(seconds);
  }

  /** Microseconds in entry, uplink, queue, link, slot, client, backend. The array is read, not kept. */
  observeHops(hopsUs: ArrayLike<number>): void {
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

  /** Ends the timers, and writes the line of limits that is still held back. */
  close(): void {
    this.#unwatch();
    this.#limitLog.close();
  }
}

/** Telemetry of one part. End it with `close()`. */
export const createTelemetry = (options: TelemetryOptions): Telemetry => new Telemetry(options);
