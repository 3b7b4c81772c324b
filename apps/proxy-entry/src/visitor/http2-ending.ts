/** How a connection of HTTP/2 ends: with a GOAWAY that says why, and in a way that lets the visitor read it. */
import { constants } from 'node:http2';
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** What it asks of its connection. */
export interface EndingOwner {
  readonly isIdle: boolean;
  limitHit(limit: string): void;
  /** More has come that carries nothing than may. */
  isOverhead(): boolean;
}

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR } = constants;
/** Behind our last word so long, and so much, is waited for the visitor to end its side. */
const LINGER_MS = 1_000;
const LINGER_BYTES = 262_144;
/** While it still takes an answer that is with the kernel, so long at most. */
const LINGER_LONGEST_MS = 30_000;
/** So long GOAWAY has to get out before the rest is dropped. */
const CALM_MS = 100;
const CALM = new Error('the visitor did too much besides asking');
/** What nghttp2 calls them. */
const ERR_PROTO = -505;
const ERR_FLOODED = -904;
const ERR_TOO_MANY_CONTINUATIONS = -905;

export class Http2Ending {
  /** Nothing more is served. */
  isCalmed = false;
  /** GOAWAY names the last stream that is served, though it may still wait for the socket. */
  hasNamedLast = false;
  readonly #owner: EndingOwner;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  #isDraining = false;
  /** Our side has ended, or is about to; since when, and what last came behind that. */
  #isLeaving = false;
  #leftMs = 0;
  #heardMs = 0;
  #heardBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(owner: EndingOwner, session: ServerHttp2Session, socket: Socket) {
    this.#owner = owner;
    this.#session = session;
    this.#socket = socket;
    this.#takeOver();
    socket.once('close', () => clearTimeout(this.#timer));
  }

  /** One GOAWAY (RFC 9113 §6.8): what runs is finished, and nothing new is taken. Node's `close` would send two. */
  drain(): void {
    if (this.#isDraining || this.#session.destroyed) return;
    this.#isDraining = true;
    // A request may have come that is not told yet: it counts as taken.
    setImmediate(() => {
      if (this.#session.destroyed) return;
      if (this.#owner.isIdle) return this.#endIdle();
      this.hasNamedLast = true;
      this.#session.goaway(NGHTTP2_NO_ERROR);
    });
  }

  /** All that was asked is answered: in a drain our side ends when that is with the kernel. */
  answeredAll(): void {
    if (!this.#isDraining) return;
    this.#leave();
    setImmediate(() => this.#socket.end());
  }

  /** RFC 9113 §10.5: the connection ends, with all that is on it. */
  calm(limit: string): void {
    if (this.isCalmed || this.#session.destroyed) return;
    this.isCalmed = true;
    this.#owner.limitHit(limit);
    // From within nghttp2's own sending it would not go out, and with `destroy` not while a write is under way.
    setImmediate(() => {
      if (this.#session.destroyed) return;
      this.#session.goaway(NGHTTP2_ENHANCE_YOUR_CALM);
      this.#timer = setTimeout(() => this.#session.destroy(), CALM_MS);
    });
  }

  /** Called now and then; true while it is only waited for the visitor's end. */
  check(nowMs: number): boolean {
    if (!this.#isLeaving) return false;
    const { bytesRead } = this.#socket;
    // It acknowledges an answer.
    if (bytesRead !== this.#heardBytes && !this.isCalmed) this.#heardMs = nowMs;
    this.#heardBytes = bytesRead;
    if (nowMs - this.#heardMs > LINGER_MS || nowMs - this.#leftMs > LINGER_LONGEST_MS) this.#socket.destroy();
    return true;
  }

  /** What Node and nghttp2 count by themselves they end with another code, and tell nobody. */
  #takeOver(): void {
    const session = this.#session;
    const destroy = session.destroy.bind(session);
    session.destroy = (error, code) => {
      if (session.destroyed) return;
      const errno = errnoOf(error);
      // It only waits to be sent what it has answered; ended now, it would not get its GOAWAY.
      if (errno === ERR_FLOODED) return this.calm('http2-control');
      // From now on by the clock: what is still to be written may never go out.
      this.#leave();
      if (!this.isCalmed) {
        const limit = this.#limitOf(errno);
        if (limit === null) return destroy(error, errno === ERR_PROTO ? NGHTTP2_PROTOCOL_ERROR : code);
        this.isCalmed = true;
        this.#owner.limitHit(limit);
      }
      this.#linger();
      if (!session.destroyed) destroy(CALM, NGHTTP2_ENHANCE_YOUR_CALM);
    };
  }

  /** The visitor may still be taking its last answer from the kernel, and acknowledges it. */
  #endIdle(): void {
    this.#linger();
    if (!this.#session.destroyed) this.#session.destroy();
  }

  #leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#leftMs = performance.now();
    this.#heardMs = this.#leftMs;
    this.#heardBytes = this.#socket.bytesRead;
  }

  #limitOf(errno: number): string | null {
    if (errno === ERR_TOO_MANY_CONTINUATIONS) return 'http2-continuations';
    return errno !== 0 && this.#owner.isOverhead() ? 'http2-overhead' : null;
  }

  /** What is on its way to us is read, up to a limit: a reset would take our last word from the visitor. */
  #linger(): void {
    if (this.#session.closed) return;
    // Only of a session that is marked closed Node leaves us the socket; the GOAWAY is the one that comes.
    this.#session.goaway = () => {};
    this.#session.close();
    let bytes = 0;
    this.#socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > LINGER_BYTES) this.#socket.destroy();
    });
  }
}

function errnoOf(error: (Error & { readonly errno?: number }) | undefined): number {
  return error?.errno ?? 0;
}
