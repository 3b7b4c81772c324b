/**
 * Spans on their way to a collector: a queue with a limit, one export at a time, and nobody waits for it. A batch stays
 * at the head of the queue until the collector has taken or refused it; while it does neither, what comes is dropped
 * once the queue is full. So a collector that restarts loses nothing, and one that is gone costs the queue and no more.
 */
import type { Clock } from '../clock.ts';
import { realClock } from '../clock.ts';
import type { Counter, LabelledCounter } from '../counter.ts';
import type { Logger } from '../logger.ts';
import { type RateLimitedLog, rateLimitedLog } from '../rate-limited-log.ts';
import type { Telemetry } from '../telemetry.ts';
import { Collector, type ExportOutcome, FAILURE_REASONS } from './collector.ts';
import { loadOtlp, type Otlp, type OtlpOptions } from './otlp.ts';
import type { Span } from './span.ts';

export type SpanExporterOptions = OtlpOptions & {
  readonly endpoint: string;
  readonly headersFile?: string | undefined;
  readonly queueSpans: number;
  readonly batchSpans: number;
  readonly exportDelayMs: number;
  readonly exportTimeoutMs: number;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  readonly clock?: Clock;
};

/** The limit of the queue, in metrics and logs. */
const QUEUE_LIMIT = 'trace-queue';
/** Why spans were dropped: the queue was full; the collector refused the export, or some spans of one; the entry ended. */
const DROP_REASONS = ['queue_full', 'refused', 'rejected', 'closed'] as const;
const MIN_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;
/** For the last exports, when the process ends. */
const CLOSE_TIMEOUT_MS = 2_000;

export class SpanExporter {
  readonly #options: SpanExporterOptions;
  readonly #otlp: Otlp;
  readonly #collector: Collector;
  readonly #clock: Clock;
  readonly #exported: Counter;
  readonly #dropped: LabelledCounter;
  readonly #failures: LabelledCounter;
  readonly #failureLog: RateLimitedLog;
  readonly #abort = new AbortController();
  /** At most `queueSpans`. */
  #queue: Span[] = [];
  #cancelTimer: (() => void) | null = null;
  #running: Promise<void> | null = null;
  #backoffMs = 0;
  #lastFailure = '';
  #isClosed = false;

  private constructor(options: SpanExporterOptions, otlp: Otlp) {
    const { telemetry, logger, endpoint, headersFile, exportTimeoutMs: timeoutMs, clock = realClock } = options;
    this.#options = options;
    this.#otlp = otlp;
    this.#clock = clock;
    this.#collector = new Collector({ endpoint, headersFile, timeoutMs, nowMs: Date.now });
    this.#exported = telemetry.counter('sallyport_trace_spans_exported_total');
    this.#dropped = telemetry.labelledCounter('sallyport_trace_spans_dropped_total', 'reason', DROP_REASONS);
    this.#failures = telemetry.labelledCounter('sallyport_trace_export_failures_total', 'reason', FAILURE_REASONS);
    telemetry.limit(
      QUEUE_LIMIT,
      () => options.queueSpans,
      () => this.#queue.length,
    );
    this.#failureLog = rateLimitedLog(
      (reason, failures) => logger.warn({ reason, failures, detail: this.#lastFailure }, 'traces not exported'),
      { clock },
    );
  }

  /** Rejects with a TracingError when the file of fields cannot be used. */
  static async open(options: SpanExporterOptions): Promise<SpanExporter> {
    const exporter = new SpanExporter(options, await loadOtlp(options));
    await exporter.#collector.readFields(AbortSignal.timeout(options.exportTimeoutMs));
    return exporter;
  }

  /** Whether so many more spans have room; where they have not, they are counted as dropped, and need not be made. */
  hasRoom(spans: number): boolean {
    if (this.#isClosed) return this.#drop('closed', spans);
    if (this.#queue.length + spans <= this.#options.queueSpans) return true;
    this.#options.telemetry.limitHit(QUEUE_LIMIT);
    return this.#drop('queue_full', spans);
  }

  /** Takes spans that `hasRoom` had room for. Never throws, never waits. */
  add(spans: readonly Span[]): void {
    this.#queue.push(...spans);
    if (this.#running !== null) return;
    const { batchSpans, exportDelayMs } = this.#options;
    if (this.#queue.length >= batchSpans && this.#backoffMs === 0) this.#wake();
    else this.#cancelTimer ??= this.#clock.after(exportDelayMs, () => this.#wake());
  }

  /** Exports what is queued, within 2 s; what is left then is dropped and counted. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer?.();
    const timer = setTimeout(() => this.#abort.abort(), CLOSE_TIMEOUT_MS);
    await this.#running;
    while (this.#queue.length > 0 && (await this.#exportBatch()) === 0);
    clearTimeout(timer);
    this.#drop('closed', this.#queue.length);
    this.#queue = [];
    this.#failureLog.close();
  }

  #drop(reason: (typeof DROP_REASONS)[number], spans: number): false {
    this.#dropped.inc(reason, spans);
    return false;
  }

  #wake(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#running = this.#run();
  }

  /** Whole batches one after the other; what is less waits for more. */
  async #run(): Promise<void> {
    const { batchSpans, exportDelayMs } = this.#options;
    let waitMs = 0;
    do waitMs = await this.#exportBatch();
    while (waitMs === 0 && this.#queue.length >= batchSpans && !this.#isClosed);
    this.#running = null;
    if (this.#queue.length === 0 || this.#isClosed) return;
    this.#cancelTimer = this.#clock.after(Math.max(waitMs, exportDelayMs), () => this.#wake());
  }

  /** Answers how long to wait before the next, in milliseconds; 0: it went well. */
  async #exportBatch(): Promise<number> {
    const batch = this.#queue.slice(0, this.#options.batchSpans);
    const outcome = await this.#collector.export(this.#otlp.encode(batch), this.#abort.signal);
    if (outcome.kind !== 'taken') this.#failed(outcome);
    if (outcome.kind === 'later') {
      this.#backoffMs = Math.min(MAX_BACKOFF_MS, Math.max(MIN_BACKOFF_MS, 2 * this.#backoffMs));
      return Math.max(this.#backoffMs, outcome.afterMs);
    }
    this.#backoffMs = 0;
    this.#queue = this.#queue.slice(batch.length);
    if (outcome.kind === 'refused') this.#drop('refused', batch.length);
    else this.#taken(batch.length, outcome.body);
    return 0;
  }

  #taken(spans: number, body: Uint8Array): void {
    let rejected = 0;
    try {
      rejected = Math.min(spans, this.#otlp.rejectedSpans(body));
    } catch {
      // It said 2xx; an answer in another form, such as JSON, does not make that untrue.
    }
    this.#exported.inc(spans - rejected);
    this.#drop('rejected', rejected);
  }

  #failed({ reason, detail }: Exclude<ExportOutcome, { kind: 'taken' }>): void {
    this.#failures.inc(reason);
    this.#lastFailure = detail;
    this.#failureLog.hit(reason);
  }
}
