/** Requests and upgrades to the backend by our own codec: a pool of kept-alive connections, one request on each. */
import { performance } from 'node:perf_hooks';
import { StreamCode } from '@sallyport/protocol';
import { Dialling } from './dialling.ts';
import { Http1Call } from './http1-call.ts';
import { Http1Connection } from './http1-connection.ts';
import type { ConnectionOwner } from './http1-connection.ts';
import type {
  BackendCall,
  BackendHandler,
  BackendLimits,
  BackendOptions,
  BackendRequest,
  BackendTransport,
} from './transport.ts';

/** Beyond the connections: slots are fewer than those, so that nothing should ever wait. */
const WAITING_LIMIT = 1_000;
/** How late a time limit may be noticed: this share of it, within bounds. */
const CHECKS_PER_LIMIT = 4;
const MIN_CHECK_MS = 10;
const MAX_CHECK_MS = 1_000;

export class Http1Backend implements BackendTransport, ConnectionOwner {
  /** Its connections look into it too. */
  readonly #options: BackendOptions;
  readonly #dialling: Dialling;
  readonly #connections = new Set<Http1Connection>();
  /** The one used last is last: the others may come to their end. */
  readonly #idle: Http1Connection[] = [];
  /** At most WAITING_LIMIT. */
  readonly #waiting: Http1Call[] = [];
  #isServingDue = false;
  #checkTimer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(options: BackendOptions) {
    this.#options = { ...options };
    this.#dialling = new Dialling(options, 'http/1.1');
  }

  start(request: BackendRequest, handler: BackendHandler): BackendCall {
    const call = new Http1Call(request, handler, this.#options.proxyProtocol !== 'off');
    if (!call.isSendable) {
      call.fail(StreamCode.BAD_HEAD, false, new Error('HTTP does not allow this request'));
      return call;
    }
    if (this.#isClosed) call.fail(StreamCode.BACKEND_REFUSED, false, new Error('the backend was closed'));
    else this.#place(call);
    return call;
  }

  configure(limits: BackendLimits): void {
    Object.assign(this.#options, limits);
    if (this.#checkTimer === null) return;
    this.#stopChecks();
    this.#startChecks();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const call of this.#waiting.splice(0)) {
      call.fail(StreamCode.BACKEND_REFUSED, false, new Error('the backend was closed'));
    }
    // Each tells its call from its own close.
    const closing = [...this.#connections].map((connection) => closed(connection));
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(closing);
  }

  // ---- from connections

  onFree(connection: Http1Connection): void {
    this.#idle.push(connection);
    if (this.#waiting.length > 0) this.#serveLater();
  }

  onClosed(connection: Http1Connection): void {
    this.#connections.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place !== -1) this.#idle.splice(place, 1);
    if (this.#connections.size === 0) this.#stopChecks();
    if (this.#waiting.length > 0) this.#serveLater();
  }

  // ---- inside

  #place(call: Http1Call): void {
    const isReusing = !call.wantsFresh && this.#idle.length > 0;
    if (!isReusing && this.#hasRoom()) return this.#open(call);
    if (this.#waiting.length >= WAITING_LIMIT) {
      return call.fail(StreamCode.OVERLOADED, false, new Error('too many requests wait for a connection'));
    }
    call.waitingMs = performance.now();
    this.#waiting.push(call);
    call.onAbandoned = this.#abandon;
    if (isReusing) this.#serveLater();
  }

  /** The oldest idle connection makes room, if need be. */
  #hasRoom(): boolean {
    if (this.#connections.size >= this.#options.connections) this.#idle.at(0)?.destroy();
    return this.#connections.size < this.#options.connections;
  }

  /**
   * A connection is used again only once all that this turn of the event loop found on sockets was read: a FIN, or an
   * answer that nobody asked for, may be there already, and would be taken for what becomes of the next request.
   */
  #serveLater(): void {
    if (this.#isServingDue) return;
    this.#isServingDue = true;
    setImmediate(this.#serve);
  }

  readonly #serve = (): void => {
    this.#isServingDue = false;
    const nowMs = performance.now();
    while (this.#waiting.length > 0) {
      const call = this.#waiting[0]!;
      const kept = call.wantsFresh ? undefined : this.#takeIdle(nowMs);
      if (kept === undefined && !this.#hasRoom()) return;
      this.#waiting.shift();
      call.onAbandoned = null;
      if (kept === undefined) this.#open(call);
      else kept.run(call);
    }
  };

  #takeIdle(nowMs: number): Http1Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return undefined;
      // One that failed is closed a little later.
      if (nowMs - connection.idleMs < connection.idleLimitMs && !connection.socket.destroyed) return connection;
      connection.destroy();
    }
  }

  #open(call: Http1Call): void {
    this.#connections.add(new Http1Connection(this.#options, this.#dialling, this, call));
    this.#startChecks();
  }

  readonly #abandon = (call: Http1Call): void => {
    const place = this.#waiting.indexOf(call);
    if (place !== -1) this.#waiting.splice(place, 1);
  };

  #check(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections) connection.check(nowMs);
    while (this.#waiting.length > 0 && nowMs - this.#waiting[0]!.waitingMs >= this.#options.connectTimeoutMs) {
      this.#waiting.shift()!.fail(StreamCode.BACKEND_TIMEOUT, false, new Error('no connection became free in time'));
    }
    // The oldest are first.
    while (this.#idle.length > 0 && nowMs - this.#idle[0]!.idleMs >= this.#idle[0]!.idleLimitMs) {
      this.#idle[0]!.destroy();
    }
  }

  #startChecks(): void {
    const shortestMs = Math.min(this.#options.headTimeoutMs, this.#options.idleTimeoutMs);
    const periodMs = Math.min(MAX_CHECK_MS, Math.max(MIN_CHECK_MS, shortestMs / CHECKS_PER_LIMIT));
    this.#checkTimer ??= setInterval(() => this.#check(), periodMs).unref();
  }

  #stopChecks(): void {
    if (this.#checkTimer !== null) clearInterval(this.#checkTimer);
    this.#checkTimer = null;
  }
}

function closed({ socket }: Http1Connection): Promise<void> {
  return new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));
}
