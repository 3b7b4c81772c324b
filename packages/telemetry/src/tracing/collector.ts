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
/** For what follows the head of an answer: that alone says whether the export was taken. */
const ANSWER_TIMEOUT_MS = 1_000;
const NO_ANSWER = new Uint8Array();
/** Those that OTLP lets a sender repeat. */
const RETRYABLE = new Set([429, 502, 503, 504]);
const MS_PER_S = 1_000;
/** So long at most a collector can keep us from asking again. */
const MAX_RETRY_AFTER_MS = 300_000;

export class Collector {
  readonly #url: string;
  readonly #options: CollectorOptions;
  #reading: Promise<Record<string, string>> | null = null;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#url = `${options.endpoint.replace(/\/+$/, '')}/v1/traces`;
  }

  /** The fields of the file. Rejects with a TracingError where it cannot be used, or is not read when `signal` aborts. */
  async readFields(signal: AbortSignal): Promise<Record<string, string>> {
    const { headersFile } = this.#options;
    if (headersFile === undefined) return {};
    // Where a disk does not answer, not one more read with each export: they would take all threads of the process.
    this.#reading ??= readHeadersFile(headersFile).finally(() => (this.#reading = null));
    const given = Promise.withResolvers<never>();
    const giveUp = (): void => given.reject(new TracingError(`${headersFile} is not read in time`));
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    try {
      return await Promise.race([this.#reading, given.promise]);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Sends an ExportTraceServiceRequest. `signal`: gives up before the time-out. Never rejects. */
  async export(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome> {
    const { timeoutMs } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    const both = AbortSignal.any([timeout, signal]);
    try {
      const fields = await this.readFields(both);
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'user-agent': 'sallyport', ...fields, 'content-type': 'application/x-protobuf' },
        body: request,
        // A collector does not move; where a token was sent along, it must not go elsewhere.
        redirect: 'manual',
        signal: both,
      });
      return await this.#outcomeOf(response);
    } catch (error) {
      if (error instanceof TracingError) return later('headers', error.message);
      return timeout.aborted ? later('timeout', `no answer in ${timeoutMs} ms`) : later('unreachable', causeOf(error));
    }
  }

  async #outcomeOf({ status, ok, headers, body }: Response): Promise<ExportOutcome> {
    const reader = body?.getReader() ?? null;
    if (ok) return { kind: 'taken', body: reader === null ? NO_ANSWER : await readAnswer(reader) };
    reader?.cancel().catch(ignore);
    const detail = `status ${status}`;
    if (!RETRYABLE.has(status)) return { kind: 'refused', reason: 'status', detail };
    const afterMs = retryAfterMs(headers.get('retry-after'), this.#options.nowMs());
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

/** All of it, or nothing where it breaks off, is long or comes slowly. Never rejects. */
async function readAnswer(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let isWhole = true;
  const giveUp = (): void => {
    isWhole = false;
    reader.cancel().catch(ignore);
  };
  const timer = setTimeout(giveUp, ANSWER_TIMEOUT_MS);
  try {
    for (let read = await reader.read(); read.value !== undefined; read = await reader.read()) {
      chunks.push(read.value);
      bytes += read.value.byteLength;
      if (bytes > MAX_ANSWER_BYTES) giveUp();
    }
  } catch {
    isWhole = false;
  }
  clearTimeout(timer);
  return isWhole ? Buffer.concat(chunks) : NO_ANSWER;
}

function ignore(): void {}

/** RFC 9110 §10.2.3: seconds or a date; 0 where it is neither, or over. */
export function retryAfterMs(value: string | null, nowMs: number): number {
  if (value === null) return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * MS_PER_S : Date.parse(value) - nowMs;
  return Number.isNaN(ms) ? 0 : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms));
}
