/**
 * One connection of a visitor that speaks HTTP/2: its streams, what it may do besides asking, and its end.
 *
 *   greeting ──SETTINGS──▶ idle ⇄ serving          any ──GOAWAY──▶ finishing what runs ──▶ lingering ──▶ closed
 */
import { constants, performServerHandshake } from 'node:http2';
import type { ServerHttp2Session, ServerHttp2Stream, ServerSessionOptions } from 'node:http2';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Allowance, Overhead } from './http2-budget.ts';
import { Http2Exchange } from './http2-exchange.ts';
import type { Http2Owner } from './http2-exchange.ts';
import { isRefusal, readHttp2Head } from './http2-request.ts';
import type { Peer, Refusal, VisitorHandler } from './transport.ts';

/** What all connections of a listener have in common. */
export interface Http2Context {
  readonly handler: VisitorHandler;
  readonly session: ServerSessionOptions;
  readonly requestHeadBytes: number;
  readonly headTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly bodyMinBytesPerS: number;
  readonly bodyGraceMs: number;
  readonly answerStallTimeoutMs: number;
  readonly concurrentStreams: number;
  readonly resets: number;
  readonly resetsPerS: number;
  readonly controlFrames: number;
  readonly controlFramesPerS: number;
  readonly overheadBytes: number;
  readonly overheadBytesPerS: number;
  onClosed(connection: Http2Connection): void;
}

const {
  NGHTTP2_ENHANCE_YOUR_CALM,
  NGHTTP2_FLAG_END_STREAM,
  NGHTTP2_NO_ERROR,
  NGHTTP2_PROTOCOL_ERROR,
  NGHTTP2_REFUSED_STREAM,
} = constants;
/** For all uploads of a connection together; each is held by the window of its own stream. */
const CONNECTION_WINDOW_BYTES = 1_048_576;
/** Behind our GOAWAY so long is waited for the visitor to end its side. */
const LINGER_MS = 1_000;
const LINGER_BYTES = 262_144;
const CALM = new Error('the visitor did too much besides asking');

export class Http2Connection implements Http2Owner {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly #context: Http2Context;
  readonly #session: ServerHttp2Session;
  readonly #exchanges = new Set<Http2Exchange>();
  readonly #resets: Allowance;
  readonly #control: Allowance;
  readonly #overhead: Overhead;
  /** Taken back by the visitor in this period of the clock, and in the one before: their backend may still be at it. */
  #cancelled = 0;
  #cancelledBefore = 0;
  #isGreeted = false;
  #hasServed = false;
  #isDraining = false;
  #isCalmed = false;
  /** Our side has ended. */
  #isLeaving = false;
  /** Since when nothing is asked, or it lingers. */
  #sinceMs: number;

  constructor(context: Http2Context, socket: Socket, peer: Peer) {
    const nowMs = performance.now();
    this.#context = context;
    this.socket = socket;
    this.peer = peer;
    this.#sinceMs = nowMs;
    this.#resets = new Allowance(context.resets, context.resetsPerS, nowMs);
    this.#control = new Allowance(context.controlFrames, context.controlFramesPerS, nowMs);
    this.#overhead = new Overhead(new Allowance(context.overheadBytes, context.overheadBytesPerS, nowMs));
    this.#session = performServerHandshake(socket, context.session);
    this.#sayWhyItEnds();
    this.#session
      .on('stream', (stream, _headers, flags, raw) => this.#onStream(stream, flags, raw))
      .on('ping', () => this.#onControlFrame())
      .on('remoteSettings', () => this.#onSettings())
      .on('error', ignore);
    this.#session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    socket
      // The close that follows says it.
      .on('error', ignore)
      // Who ends its side while it waits for answers has left.
      .once('end', () => socket.destroy())
      .once('close', () => context.onClosed(this));
  }

  get isAlive(): boolean {
    return !this.#session.destroyed;
  }

  get bodyMinBytesPerS(): number {
    return this.#context.bodyMinBytesPerS;
  }

  get bodyGraceMs(): number {
    return this.#context.bodyGraceMs;
  }

  get answerStallTimeoutMs(): number {
    return this.#context.answerStallTimeoutMs;
  }

  /** One GOAWAY (RFC 9113 §6.8): what runs is finished, and nothing new is taken. Node's `close` would send two. */
  drain(): void {
    if (this.#isDraining || this.#session.destroyed) return;
    this.#isDraining = true;
    // A request may have come that is not told yet: it counts as taken.
    setImmediate(() => {
      if (this.#session.destroyed) return;
      if (this.#exchanges.size === 0) this.#session.destroy();
      else this.#session.goaway(NGHTTP2_NO_ERROR);
    });
  }

  destroy(): void {
    this.#session.destroy();
    this.socket.destroy();
  }

  /** Called once a second: has something taken too long, or come too often? */
  check(nowMs: number): void {
    this.#cancelledBefore = this.#cancelled;
    this.#cancelled = 0;
    if (this.#isLeaving) {
      if (nowMs - this.#sinceMs > LINGER_MS) this.socket.destroy();
      return;
    }
    if (this.#isOverhead()) return this.#calm('http2-overhead');
    for (const exchange of this.#exchanges) exchange.check(nowMs);
    if (this.#exchanges.size > 0) return;
    const { headTimeoutMs, keepAliveTimeoutMs } = this.#context;
    const limitMs = this.#hasServed ? keepAliveTimeoutMs : headTimeoutMs;
    if (nowMs - this.#sinceMs > limitMs) this.drain();
  }

  // ---- from its exchanges

  limitHit(limit: string): void {
    this.#context.handler.limitHit(limit);
  }

  bodyCame(bytes: number): void {
    this.#overhead.body(bytes);
    this.#control.give(1);
  }

  answerGoes(bytes: number): void {
    this.#overhead.answer(bytes);
    this.#control.give(1);
  }

  isOver(exchange: Http2Exchange, isTakenBack: boolean): void {
    this.#exchanges.delete(exchange);
    this.#hasServed = true;
    const nowMs = performance.now();
    if (this.#exchanges.size === 0) {
      this.#sinceMs = nowMs;
      if (this.#isDraining) this.#leave();
    }
    if (!isTakenBack) return this.#resets.give(1);
    this.#cancelled += 1;
    this.#tookBack();
  }

  // ---- from the session

  #onStream(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    const { handler, concurrentStreams, requestHeadBytes } = this.#context;
    stream.on('error', ignore);
    if (stream.destroyed || this.#isCalmed) return;
    if (this.#exchanges.size + this.#cancelled + this.#cancelledBefore >= concurrentStreams) {
      handler.limitHit('http2-streams');
      stream.close(NGHTTP2_REFUSED_STREAM);
      this.#tookBack();
      return;
    }
    const head = readHttp2Head(raw, requestHeadBytes);
    if (isRefusal(head)) return this.#refuse(stream, head);
    this.#overhead.head(head.bytes);
    this.#control.give(1);
    const isWhole = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    const exchange = new Http2Exchange(this, stream, head, isWhole, performance.now());
    this.#exchanges.add(exchange);
    handler.onRequest(exchange);
  }

  /** A stream that came to nothing. */
  #tookBack(): void {
    if (!this.#resets.take(1, performance.now())) this.#calm('http2-resets');
  }

  #refuse(stream: ServerHttp2Stream, refusal: Refusal): void {
    const { status, fields, body } = this.#context.handler.onRefused(refusal, this.peer);
    stream.respond([':status', String(status), ...fields]);
    stream.end(body);
  }

  #onSettings(): void {
    // The first is the greeting.
    if (this.#isGreeted) this.#onControlFrame();
    this.#isGreeted = true;
  }

  #onControlFrame(): void {
    if (!this.#control.take(1, performance.now())) this.#calm('http2-control');
  }

  /** RFC 9113 §10.5: GOAWAY says why, and the connection ends with all that is on it. */
  #calm(limit: string): void {
    if (this.#isCalmed || this.#session.destroyed) return;
    this.#isCalmed = true;
    this.#context.handler.limitHit(limit);
    // From within nghttp2's own sending it would not go out.
    setImmediate(() => this.#session.destroy());
  }

  /** What Node and nghttp2 count by themselves they end with another code, and say it to nobody. */
  #sayWhyItEnds(): void {
    const session = this.#session;
    const destroy = session.destroy.bind(session);
    session.destroy = (error, code) => {
      if (session.destroyed) return;
      const errno = errnoOf(error);
      const limit = FLOODS.get(errno) ?? (errno !== 0 && this.#isOverhead() ? 'http2-overhead' : null);
      if (!this.#isCalmed && limit === null) return destroy(error, errno === ERR_PROTO ? NGHTTP2_PROTOCOL_ERROR : code);
      if (!this.#isCalmed) this.#context.handler.limitHit(limit!);
      this.#isCalmed = true;
      this.#linger();
      if (!session.destroyed) destroy(CALM, NGHTTP2_ENHANCE_YOUR_CALM);
    };
  }

  /** What is on its way to us is read, up to a limit: a reset would take our last word from the visitor. */
  #linger(): void {
    if (this.#session.closed) return;
    this.#sinceMs = performance.now();
    this.#isLeaving = true;
    // Only of a session that is marked closed the socket is left to us; the GOAWAY is the one that comes.
    this.#session.goaway = ignore;
    this.#session.close();
    let bytes = 0;
    this.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > LINGER_BYTES) this.socket.destroy();
    });
  }

  #isOverhead(): boolean {
    // What has come of bodies that are not read is not accounted for yet.
    let unread = 0;
    for (const exchange of this.#exchanges) unread += exchange.unreadBytes;
    return !this.#overhead.isTolerable(this.socket.bytesRead - unread, performance.now());
  }

  /** All that was asked is answered: when that is with the kernel, our side ends. */
  #leave(): void {
    this.#isLeaving = true;
    setImmediate(() => this.socket.end());
  }
}

function ignore(): void {}

function errnoOf(error: (Error & { readonly errno?: number }) | undefined): number {
  return error?.errno ?? 0;
}

/** What nghttp2 calls them. */
const ERR_PROTO = -505;
const ERR_TOO_MANY_CONTINUATIONS = -905;
const ERR_FLOODED = -904;
const FLOODS: ReadonlyMap<number, string> = new Map([
  [ERR_TOO_MANY_CONTINUATIONS, 'http2-continuations'],
  [ERR_FLOODED, 'http2-control'],
]);
