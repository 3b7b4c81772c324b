/** One HTTP/2 connection to the backend (RFC 9113), many requests on it at a time. */
import { connect } from 'node:http2';
import type { ClientHttp2Session, ClientSessionOptions, Settings } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { performance } from 'node:perf_hooks';
import { MAX_HEAD_LINES } from '@sallyport/protocol';
import type { Dialling } from './dialling.ts';
import type { Http2Call } from './http2-call.ts';
import type { BackendOptions } from './transport.ts';

/** What a connection tells its pool. */
export interface Http2Owner {
  /** It may have room now, or never again. */
  onRoom(): void;
  /** Once: it is gone. `error`: it never took a request. */
  onClosed(connection: Http2Connection, error: (Error & { code?: string }) | null): void;
}

/** What the backend may send of one answer before it was taken. */
const STREAM_WINDOW_BYTES = 262_144;
/** Of all answers together; whatever is read is granted again at once, so that none holds up the others. */
const CONNECTION_WINDOW_BYTES = 4_194_304;
/** How long the backend has to close its side of a connection that we closed. */
const CLOSING_MS = 1_000;
/** Of the fields of one head those that HTTP/2 adds. */
const PSEUDO_FIELDS = 4;
const MAX_REQUEST_HEAD_BYTES = 1_048_576;

export class Http2Connection {
  readonly scheme: 'http' | 'https';
  /** The one request that it is for; null: for any. */
  readonly own: Http2Call | null;
  /** Their streams are open. Its limit is what the backend allows. */
  readonly calls = new Set<Http2Call>();
  /** The backend has said what it allows. */
  isReady = false;
  /** Streams at once, as the backend says. */
  maxStreams = 0;
  /** Extended CONNECT (RFC 8441 §3). */
  allowsConnect = false;
  /** Those above it were never begun, as the backend's GOAWAY says. */
  lastStreamId = Infinity;
  /** Since when it has no streams, or takes no more of them. */
  idleMs = 0;
  readonly #options: BackendOptions;
  readonly #owner: Http2Owner;
  readonly #socket: Socket;
  readonly #connectTimer: NodeJS.Timeout;
  #session: ClientHttp2Session | null = null;
  /** It takes no more requests; those that run finish. */
  #isLeaving = false;
  #isGone = false;
  #error: (Error & { code?: string }) | null = null;
  readonly #gone = Promise.withResolvers<void>();

  /** Begins to connect. */
  constructor(options: BackendOptions, dialling: Dialling, owner: Http2Owner, own: Http2Call | null) {
    this.#options = options;
    this.#owner = owner;
    this.own = own;
    this.scheme = dialling.readyEvent === 'secureConnect' ? 'https' : 'http';
    this.#socket = dialling.dial();
    this.#connectTimer = setTimeout(() => this.#connectTimedOut(), options.connectTimeoutMs);
    this.#socket
      .once(dialling.readyEvent, () => this.#onConnected())
      .on('error', (error) => (this.#error ??= error))
      .once('close', () => this.#onGone());
  }

  get hasRoom(): boolean {
    // node:http2 closes a session by itself too, long before it is gone where streams are open.
    const isOpen = this.isReady && !this.#isLeaving && !this.session.closed && !this.session.destroyed;
    return isOpen && this.own === null && this.calls.size < this.maxStreams;
  }

  /** Only once it is ready. */
  get session(): ClientHttp2Session {
    return this.#session!;
  }

  /** A stream of it is over. */
  streamClosed(): void {
    if (this.calls.size === 0) this.idleMs = performance.now();
    if (this.own !== null) this.cut();
    else if (!this.#isLeaving) this.#owner.onRoom();
  }

  /** Called now and then. */
  check(nowMs: number): void {
    for (const call of this.calls) call.check(nowMs, this.#options.headTimeoutMs);
    if (!this.isReady || this.calls.size > 0) return;
    const limitMs = this.#isLeaving ? CLOSING_MS : this.#options.idleTimeoutMs;
    if (nowMs - this.idleMs < limitMs) return;
    // A backend that does not close its side would keep the socket, and its place among the connections, for ever.
    if (this.#isLeaving) this.cut();
    else this.retire();
  }

  /** It takes no more requests, and closes behind those that run. */
  retire(): void {
    if (this.#isLeaving) return;
    this.#leave();
    this.session.close();
  }

  /** Without a word to the backend. */
  cut(): void {
    this.#socket.destroy();
  }

  /** Ends it; resolves when its socket is gone. */
  destroy(): Promise<void> {
    this.#session?.destroy();
    this.#socket.destroy();
    return this.#gone.promise;
  }

  #onConnected(): void {
    const { alpnProtocol } = this.#socket as Partial<TLSSocket>;
    if (alpnProtocol !== undefined && alpnProtocol !== 'h2') {
      this.#error = new Error('the backend does not speak HTTP/2');
      this.#socket.destroy();
      return;
    }
    const session = connect(`${this.scheme}://backend.invalid`, this.#sessionOptions());
    this.#session = session;
    session
      .on('connect', () => session.setLocalWindowSize(CONNECTION_WINDOW_BYTES))
      .on('remoteSettings', (settings) => this.#onSettings(settings))
      .on('goaway', (_code, lastStreamId) => this.#onGoaway(lastStreamId))
      .on('error', (error) => (this.#error ??= error))
      .once('close', () => this.#onGone());
  }

  #sessionOptions(): ClientSessionOptions & { strictSingleValueFields: boolean } {
    return {
      createConnection: () => this.#socket,
      maxHeaderListPairs: MAX_HEAD_LINES + PSEUDO_FIELDS,
      // Its default is less, as nghttp2 counts, than the largest head of a request.
      maxSendHeaderBlockLength: MAX_REQUEST_HEAD_BYTES,
      maxReservedRemoteStreams: 0,
      // A field that came twice is the visitor's and the backend's business.
      strictSingleValueFields: false,
      settings: {
        enablePush: false,
        initialWindowSize: STREAM_WINDOW_BYTES,
        maxHeaderListSize: this.#options.headBytes,
      },
    };
  }

  #onSettings({ maxConcurrentStreams, enableConnectProtocol }: Settings): void {
    clearTimeout(this.#connectTimer);
    this.maxStreams = Math.min(maxConcurrentStreams ?? Infinity, this.#options.connections);
    this.allowsConnect = enableConnectProtocol === true;
    const isFirst = !this.isReady;
    this.isReady = true;
    if (isFirst) this.idleMs = performance.now();
    if (this.own === null) this.#owner.onRoom();
    else if (this.own.isOver || this.maxStreams === 0) this.cut();
    else if (isFirst) this.own.begin(this);
  }

  #onGoaway(lastStreamId: number): void {
    this.lastStreamId = lastStreamId;
    this.#leave();
    this.#owner.onRoom();
  }

  #leave(): void {
    this.#isLeaving = true;
    this.idleMs = performance.now();
  }

  #connectTimedOut(): void {
    this.#error = Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' });
    void this.destroy();
  }

  #onGone(): void {
    clearTimeout(this.#connectTimer);
    if (this.#isGone) return;
    this.#isGone = true;
    this.#isLeaving = true;
    this.#gone.resolve();
    this.#owner.onClosed(this, this.isReady ? null : (this.#error ?? new Error('the backend closed the connection')));
  }
}
