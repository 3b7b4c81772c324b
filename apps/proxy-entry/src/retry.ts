/**
 * The one retry: when, and within which budget. The entry alone retries, once in all; and asks another server once where
 * one has no client for the session.
 */
import { StreamCode } from '@sallyport/protocol';

/** RFC 9110 §9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY']);
/** One server has no client; where another has, it is asked. */
const ELSEWHERE: ReadonlySet<number> = new Set([StreamCode.NO_CLIENT, StreamCode.NO_SESSION]);
/** A second try may meet another link, client or connection. */
const WORTH_IT: ReadonlySet<number> = new Set([
  StreamCode.LINK_LOST,
  StreamCode.DRAINING,
  StreamCode.OVERLOADED,
  StreamCode.BACKEND_REFUSED,
  StreamCode.BACKEND_RESET,
]);

export interface Failure {
  readonly code: number;
  /** Nothing of it reached the backend. */
  readonly notStarted: boolean;
  readonly method: string;
  readonly attempt: number;
  /** All of its body that was sent is still here. */
  readonly isKept: boolean;
  /** Whether another server holds the session: all servers are looked through, so it is asked last. */
  readonly isElsewhere: () => boolean;
}

/** Whether a request that failed before its head may be sent again. */
export function mayRetry({ code, notStarted, method, attempt, isKept, isElsewhere }: Failure): boolean {
  if (!isKept || !(notStarted || IDEMPOTENT.has(method))) return false;
  // Not the retry: nobody has tried. A client on the move refuses at the server that it leaves, which then waits for it.
  if (ELSEWHERE.has(code)) return attempt <= 2 && isElsewhere();
  return attempt === 1 && WORTH_IT.has(code);
}

/** So that retries cannot multiply an outage: a share of all requests, and a few for the quiet hours. */
export class RetryBudget {
  #share = 0;
  #tokens = RESERVE;

  constructor(percent: number) {
    this.configure(percent);
  }

  /** What was used up stays so: a reload in the midst of an outage brings no new reserve. */
  configure(percent: number): void {
    this.#share = percent / 100;
  }

  request(): void {
    this.#tokens = Math.min(RESERVE, this.#tokens + this.#share);
  }

  take(): boolean {
    if (this.#share === 0 || this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

const RESERVE = 100;
