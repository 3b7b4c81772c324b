/** One export to a collector: OTLP over HTTP (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"). */
import { readHeadersFile, TracingError } from './headers-file.ts';

export type ExportOutcome =
  /** `body`: an ExportTraceServiceResponse. */
  | { readonly kind: 'taken'; readonly body: Uint8Array }
  /** It will never be taken. */
  | { readonly kind: 'refused'; readonly reason: FailureReason; readonly detail: string }
  /** Asking again may help. `afterMs`: no sooner, as the collector says; 0: it says nothing. */
  | { readonly kind: 'later'; readonly reason: FailureReason; readonly detail: string; readonly afterMs: number };

/** Why an export failed: no connection or a broken one, no answer in time, an HTTP status, the file of fields. */
export const FAILURE_REASONS = ['unreachable', 'timeout', 'status', 'headers'] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

export type CollectorOptions = {
  /** Base URL; `/v1/traces` is added. */
  readonly endpoint: string;
  readonly headersFile?: string | undefined;
  readonly timeoutMs: number;
  readonly nowMs: () => number;
};

/** An answer is a few bytes; what is longer is not read to its end. */
const MAX_ANSWER_BYTES = 65_536;
/** Those that OTLP lets a sender repeat. */
const RETRYABLE = new Set([429, 502, 503, 504]);
const MS_PER_S = 1_000;
/** So long at most a collector can keep us from asking again. */
const MAX_RETRY_AFTER_MS = 300_000;

export class Collector {
  readonly #url: string;
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#url = `${options.endpoint.replace(/\/+$/, '')}/v1/traces`;
  }

  /** Sends an ExportTraceServiceRequest. `signal`: gives up before the time-out. Never rejects. */
  async export(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome> {
    const { headersFile, timeoutMs } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const fields = headersFile === undefined ? {} : await readHeadersFile(headersFile);
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'User-Agent': 'sallyport', ...fields, 'Content-Type': 'application/x-protobuf' },
        body: request,
        // A collector does not move; where a token was sent along, it must not go elsewhere.
        redirect: 'manual',
        signal: AbortSignal.any([timeout, signal]),
      });
      return await this.#outcomeOf(response);
    } catch (error) {
      if (error instanceof TracingError) return later('headers', error.message);
      return timeout.aborted ? later('timeout', `no answer in ${timeoutMs} ms`) : later('unreachable', causeOf(error));
    }
  }

  async #outcomeOf(response: Response): Promise<ExportOutcome> {
    const { status, ok } = response;
    if (ok) return { kind: 'taken', body: await readStart(response) };
    await response.body?.cancel();
    const detail = `status ${status}`;
    if (!RETRYABLE.has(status)) return { kind: 'refused', reason: 'status', detail };
    const afterMs = retryAfterMs(response.headers.get('retry-after'), this.#options.nowMs());
    return { kind: 'later', reason: 'status', detail, afterMs };
  }
}

function later(reason: FailureReason, detail: string): ExportOutcome {
  return { kind: 'later', reason, detail, afterMs: 0 };
}

/** `fetch` hides what happened in the cause; its code says it without the address. */
function causeOf(error: unknown): string {
  const { cause, name } = error as Error & { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : name;
}

async function readStart(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks);
}

/** RFC 9110 §10.2.3: seconds or a date; 0 where it is neither, or over. */
export function retryAfterMs(value: string | null, nowMs: number): number {
  if (value === null) return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * MS_PER_S : Date.parse(value) - nowMs;
  return Number.isNaN(ms) ? 0 : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms));
}
