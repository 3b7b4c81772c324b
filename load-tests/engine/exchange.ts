import type { Dispatcher } from 'undici';
import { monotonicMs } from './clock.ts';
import { RequestTimeout, errorKind } from './error-kinds.ts';
import { MAX_PROBLEM_BYTES, isProblem, parseProblem } from './problem.ts';
import type { Outcome } from './recorder.ts';

const FIRST_FAILED_STATUS = 400;
type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** Whom an exchange tells; called once per request. */
export type ExchangeOwner = {
  answered(exchange: Exchange, headers: Headers): void;
  ended(exchange: Exchange): void;
};

/**
 * One request in flight: undici's handler and the record of its outcome in one, made once and used again and again,
 * since an object or a closure per request would be garbage to collect in the middle of a measurement.
 */
export class Exchange implements Dispatcher.DispatchHandler, Outcome {
  readonly #owner: ExchangeOwner;
  #controller: Dispatcher.DispatchController | null = null;
  #problem: string | null = null;
  active = false;
  intendedMs = 0;
  startMs = 0;
  endMs = 0;
  status = 0;
  error: string | null = null;
  errorHop: string | null = null;
  bytesIn = 0;

  constructor(owner: ExchangeOwner) {
    this.#owner = owner;
  }

  begin(intendedMs: number, startMs: number): void {
    this.active = true;
    this.intendedMs = intendedMs;
    this.startMs = startMs;
    this.status = 0;
    this.error = null;
    this.errorHop = null;
    this.bytesIn = 0;
    this.#problem = null;
    this.#controller = null;
  }

  /**
   * Ends the request as timed out. Without effect before undici has taken it up, which is while it connects: then
   * undici's own connect timeout ends it.
   */
  timeOut(): void {
    this.#controller?.abort(new RequestTimeout());
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number, headers: Headers): void {
    // 1xx come here as well; the last one is the answer.
    this.status = statusCode;
    if (statusCode >= FIRST_FAILED_STATUS && isProblem(headers['content-type'])) this.#problem = '';
    this.#owner.answered(this, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.bytesIn += chunk.length;
    if (this.#problem !== null && this.bytesIn <= MAX_PROBLEM_BYTES) this.#problem += chunk.toString();
  }

  onResponseEnd(): void {
    this.endMs = monotonicMs();
    if (this.#problem !== null) this.#readProblem(this.#problem);
    this.#finish();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.active) return;
    this.endMs = monotonicMs();
    this.error = errorKind(error);
    this.#finish();
  }

  #readProblem(text: string): void {
    const problem = parseProblem(text);
    this.error = problem?.code ?? null;
    this.errorHop = problem?.hop ?? null;
  }

  #finish(): void {
    this.active = false;
    this.#controller = null;
    this.#owner.ended(this);
  }
}
