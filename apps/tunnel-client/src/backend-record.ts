/** What a backend has done for one client: whether it can be reached, why it failed last, and what it answered. */
import { StreamCode } from '@sallyport/protocol';

/** After this many failures to connect in a row it counts as down, until an answer comes. */
const DOWN_AFTER = 3;
const CANNOT_CONNECT: ReadonlySet<StreamCode> = new Set([StreamCode.BACKEND_REFUSED, StreamCode.BACKEND_TIMEOUT]);
const FIRST_SERVER_ERROR = 500;
const MS_PER_S = 1_000;

export class BackendRecord {
  answers = 0;
  /** Of these, 5xx. */
  serverErrors = 0;
  /** To the heads of all answers together. */
  seconds = 0;
  /** Null from an answer on. */
  lastFailure: string | null = null;
  /** When that was, by the wall clock. */
  lastFailureAt: Date | null = null;
  #connectFailures = 0;

  get isUp(): boolean {
    return this.#connectFailures < DOWN_AFTER;
  }

  /** An answer has begun, whatever becomes of it. */
  answered(): void {
    this.#connectFailures = 0;
    this.lastFailure = null;
    this.lastFailureAt = null;
  }

  /** The head of an answer was passed on. */
  took(status: number, durationMs: number): void {
    this.answers += 1;
    if (status >= FIRST_SERVER_ERROR) this.serverErrors += 1;
    this.seconds += durationMs / MS_PER_S;
  }

  failed(code: StreamCode, isStarted: boolean, error: Error): void {
    this.lastFailure = error.message;
    this.lastFailureAt = new Date();
    if (!isStarted && CANNOT_CONNECT.has(code)) this.#connectFailures += 1;
  }
}
