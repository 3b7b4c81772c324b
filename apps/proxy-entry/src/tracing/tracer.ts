/** Traces of requests: which are sampled, what the backend is told, and the spans of what was sampled. */
import { performance } from 'node:perf_hooks';
import type { SpanExporter } from '@sallyport/telemetry';
import { RandomIds, SPAN_ID_BYTES, TRACE_ID_BYTES } from './random-ids.ts';
import { countSpans, spansOf } from './spans.ts';
import { Trace } from './trace.ts';
import { parseTraceParent } from './trace-parent.ts';
import { tracedRequest } from './traced-request.ts';
import type { Traced } from './traced-request.ts';

type Exporter = Pick<SpanExporter, 'hasRoom' | 'add' | 'close'>;

export class Tracer {
  /** Share of requests that are sampled, from now on. */
  sampleRatio: number;
  readonly #exporter: Exporter;
  readonly #ids = new RandomIds();

  constructor(sampleRatio: number, exporter: Exporter) {
    this.sampleRatio = sampleRatio;
    this.#exporter = exporter;
  }

  /**
   * Of a request whose `traceparent` is `said` (null: it has none). What is no such field is as if it were not there
   * (W3C Trace Context §4.3). Anybody may name the trace that its request belongs to; that it is to be sampled only
   * those say whom we trust, for a visitor could make us pay for all of its requests.
   */
  begin(said: string | null, isTrusted: boolean): Trace {
    const parent = said === null ? null : parseTraceParent(said);
    const isSampled = parent !== null && isTrusted ? parent.isSampled : Math.random() < this.sampleRatio;
    return new Trace(parent?.traceId ?? this.#ids.next(TRACE_ID_BYTES), parent, isSampled, this.#ids);
  }

  /** All that its spans will tell of a request is known; only what is sampled has any, once. */
  finished(traced: Traced, isComplete: boolean): void {
    const { trace } = traced.routed;
    const recording = trace?.recording ?? null;
    if (trace === null || recording === null) return;
    trace.recording = null;
    if (!this.#exporter.hasRoom(countSpans(recording))) return;
    const request = tracedRequest(traced, trace, recording, isComplete, performance.now());
    const context = { originMs: originMs(), newSpanId: () => this.#ids.next(SPAN_ID_BYTES) };
    this.#exporter.add(spansOf(request, context));
  }

  /** Exports what is left, within 2 s. */
  async close(): Promise<void> {
    await this.#exporter.close();
  }
}

/** Below it the clock of day tells no more than the other: it has whole milliseconds. */
const TOLERANCE_MS = 2;

/** `timeOrigin` is of the start of the process: since then the clock may have been set, or the machine have slept. */
function originMs(): number {
  const { timeOrigin } = performance;
  const offMs = Date.now() - performance.now() - timeOrigin;
  return Math.abs(offMs) > TOLERANCE_MS ? timeOrigin + offMs : timeOrigin;
}
