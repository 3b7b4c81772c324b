/** The one retry: when, and within which budget. The entry alone retries, once in all. */
import { StreamCode } from '@sallyport/protocol';

/** RFC 9110 §9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY']);
/** A second try may meet another link, client or connection. */
const WORTH_IT: ReadonlySet<number> = new Set([
  StreamCode.LINK_LOST,
  StreamCode.DRAINING,
  StreamCode.OVERLOADED,
  StreamCode.BACKEND_REFUSED,
  StreamCode.BACKEND_RESET,
]);

/** Whether a request that failed before its head may be sent again. `notStarted`: nothing of it reached the backend. */
export function mayRetry(code: number, notStarted: boolean, method: string, attempt: number, isKept: boolean): boolean {
  return attempt === 1 && isKept && WORTH_IT.has(code) && (notStarted || IDEMPOTENT.has(method));
}

/** So that retries cannot multiply an outage: a share of all requests, and a few for the quiet hours. */
export class RetryBudget {
  readonly #share: number;
  #tokens: number;

  constructor(percent: number) {
    this.#share = percent / 100;
    this.#tokens = percent === 0 ? 0 : RESERVE;
  }

  request(): void {
    this.#tokens = Math.min(RESERVE, this.#tokens + this.#share);
  }

  take(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

const RESERVE = 100;
