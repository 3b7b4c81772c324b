/** Requests to the backend over HTTP/2: as few connections as it allows streams on them. */
import { StreamCode } from '@sallyport/protocol';
import { performance } from 'node:perf_hooks';
import { Dialling } from './dialling.ts';
import { failureCode } from './failures.ts';
import { Http2Call } from './http2-call.ts';
import { Http2Connection } from './http2-connection.ts';
import type { Http2Owner } from './http2-connection.ts';
import type {
  BackendCall,
  BackendHandler,
  BackendLimits,
  BackendOptions,
  BackendRequest,
  BackendTransport,
} from './transport.ts';

/** Beyond the streams; slots are fewer than those, so that they wait for a connection to be made at most. */
const WAITING_LIMIT = 1_000;
/** Streams at once on a connection whose SETTINGS have not come: what RFC 9113 §6.5.2 asks backends to allow. */
const LIKELY_STREAMS = 100;
const CHECK_MS = 250;

export class Http2Backend implements BackendTransport, Http2Owner {
  /** Its connections look into it too. */
  readonly #options: BackendOptions;
  readonly #dialling: Dialling;
  readonly #connections = new Set<Http2Connection>();
  /** At most WAITING_LIMIT. */
  readonly #waiting: Http2Call[] = [];
  #checkTimer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(options: BackendOptions) {
    this.#options = { ...options };
    this.#dialling = new Dialling(options, 'h2');
  }

  start(request: BackendRequest, handler: BackendHandler): BackendCall {
    const call = new Http2Call(request, handler);
    const connection = this.#withRoom();
    if (this.#isClosed) call.fail(StreamCode.BACKEND_REFUSED, false, new Error('the backend was closed'));
    else if (call.isAlone) this.#openAlone(call);
    else if (connection !== undefined) call.begin(connection);
    else this.#wait(call);
    return call;
  }

  configure(limits: BackendLimits): void {
    Object.assign(this.#options, limits);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#failWaiting(StreamCode.BACKEND_REFUSED, new Error('the backend was closed'));
    await Promise.all([...this.#connections].map((connection) => connection.destroy()));
  }

  // ---- from connections

  onRoom(): void {
    while (this.#waiting.length > 0) {
      const connection = this.#withRoom();
      if (connection === undefined) return this.#openForWaiting();
      const call = this.#waiting.shift()!;
      call.onAbandoned = null;
      call.begin(connection);
    }
  }

  onClosed(connection: Http2Connection, error: Error | null): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#stopChecks();
    // Each of them is told, instead of one attempt after another being made for them.
    if (error === null) this.onRoom();
    else if (connection.own === null) this.#failWaiting(failureCode(error, false), error);
    else connection.own.fail(failureCode(error, false), false, error);
  }

  // ---- inside

  #withRoom(): Http2Connection | undefined {
    for (const connection of this.#connections) {
      if (connection.hasRoom) return connection;
    }
    return undefined;
  }

  #wait(call: Http2Call): void {
    if (this.#waiting.length >= WAITING_LIMIT) {
      return call.fail(StreamCode.OVERLOADED, false, new Error('too many requests wait for a connection'));
    }
    this.#waiting.push(call);
    call.onAbandoned = this.#abandon;
    this.#openForWaiting();
  }

  /** As many connections as the waiting need, where the backend takes any at all. */
  #openForWaiting(): void {
    let expected = 0;
    for (const connection of this.#connections) {
      if (connection.own !== null) continue;
      if (connection.isReady && connection.maxStreams === 0) return;
      if (!connection.isReady) expected += LIKELY_STREAMS;
    }
    while (expected < this.#waiting.length && this.#connections.size < this.#options.connections) {
      this.#open(null);
      expected += LIKELY_STREAMS;
    }
  }

  #openAlone(call: Http2Call): void {
    if (this.#connections.size >= this.#options.connections) {
      return call.fail(StreamCode.OVERLOADED, false, new Error('too many connections'));
    }
    this.#open(call);
  }

  #open(own: Http2Call | null): void {
    this.#connections.add(new Http2Connection(this.#options, this.#dialling, this, own));
    this.#checkTimer ??= setInterval(() => this.#check(), CHECK_MS).unref();
  }

  readonly #abandon = (call: Http2Call): void => {
    const place = this.#waiting.indexOf(call);
    if (place !== -1) this.#waiting.splice(place, 1);
  };

  #failWaiting(code: StreamCode, error: Error): void {
    for (const call of this.#waiting.splice(0)) call.fail(code, false, error);
  }

  #check(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections) connection.check(nowMs);
    while (this.#waiting.length > 0 && nowMs - this.#waiting[0]!.waitingMs >= this.#options.connectTimeoutMs) {
      this.#waiting.shift()!.fail(StreamCode.BACKEND_TIMEOUT, false, new Error('no stream became free in time'));
    }
  }

  #stopChecks(): void {
    if (this.#checkTimer !== null) clearInterval(this.#checkTimer);
    this.#checkTimer = null;
  }
}
