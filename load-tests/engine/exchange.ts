import { monotonicMs } from './clock.ts';
import { errorKind } from './error-kinds.ts';
import { MAX_PROBLEM_BYTES, isProblem, parseProblem } from './problem.ts';
import type { Outcome } from './recorder.ts';
import { retryAfterS } from './retry-after.ts';

const FIRST_FAILED_STATUS = 400;
const TOO_MANY_REQUESTS = 429;
const UNAVAILABLE = 503;

/** Fields by lower-case name. */
export type AnswerFields = { readonly [name: string]: string | string[] | undefined };

/** Whom an exchange tells. */
export type ExchangeOwner = {
  /** With each head that comes: not at all where none does, and once more for each 1xx that the library passes on. */
  answered(exchange: Exchange, fields: AnswerFields): void;
  /** Once per request, last. */
  ended(exchange: Exchange): void;
};

/**
 * One request in flight and the record of its outcome, whatever carries it: drivers derive from it what their library
 * calls. Made once and used again and again, since an object or a closure per request would be garbage to collect in
 * the middle of a measurement.
 */
export abstract class Exchange implements Outcome {
  readonly #owner: ExchangeOwner;
  #problem: string | null = null;
  #isSettled = false;
  active = false;
  intendedMs = 0;
  startMs = 0;
  endMs = 0;
  status = 0;
  error: string | null = null;
  errorHop: string | null = null;
  bytesIn = 0;
  isLimited = false;
  retryAfterS = 0;

  constructor(owner: ExchangeOwner) {
    this.#owner = owner;
  }

  /** Ends the request before its time; it then fails with that error. */
  abstract abort(error: Error): void;

  begin(intendedMs: number, startMs: number): void {
    this.active = true;
    this.intendedMs = intendedMs;
    this.startMs = startMs;
    this.status = 0;
    this.error = null;
    this.errorHop = null;
    this.bytesIn = 0;
    this.isLimited = false;
    this.retryAfterS = 0;
    this.#problem = null;
    this.#isSettled = false;
  }

  /** An answer's head. 1xx may come here as well; the last one is the answer. */
  protected head(status: number, fields: AnswerFields): void {
    this.status = status;
    if (status >= FIRST_FAILED_STATUS) this.#refused(status, fields);
    this.#owner.answered(this, fields);
  }

  protected data(chunk: Buffer): void {
    this.bytesIn += chunk.length;
    if (this.#problem !== null && this.bytesIn <= MAX_PROBLEM_BYTES) this.#problem += chunk.toString();
  }

  /** The moment at which the request was over, with what error if any; only the first one counts. */
  protected settle(error: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.endMs = monotonicMs();
    if (error !== null) this.error = errorKind(error);
    else if (this.#problem !== null) this.#readProblem(this.#problem);
  }

  /** Settles if need be, hands the outcome over, and is free for the next request. */
  protected finish(error: unknown): void {
    if (!this.active) return;
    this.settle(error);
    this.active = false;
    this.#owner.ended(this);
  }

  #refused(status: number, fields: AnswerFields): void {
    if (isProblem(fields['content-type'])) this.#problem = '';
    const retryAfter = fields['retry-after'];
    this.isLimited = status === TOO_MANY_REQUESTS || (status === UNAVAILABLE && retryAfter !== undefined);
    if (this.isLimited) this.retryAfterS = retryAfterS(retryAfter, Date.now());
  }

  #readProblem(text: string): void {
    const problem = parseProblem(text);
    this.error = problem?.code ?? null;
    this.errorHop = problem?.hop ?? null;
  }
}
