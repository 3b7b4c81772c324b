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
import { Http2Ending } from './http2-ending.ts';
import type { EndingOwner } from './http2-ending.ts';
import { Http2Exchange } from './http2-exchange.ts';
import type { Http2Owner } from './http2-exchange.ts';
import { isRefusal, readHttp2Head } from './http2-request.ts';
import type { Peer, Refusal, VisitorHandler, VisitorLimits } from './transport.ts';

/** What a connection may cost. */
export interface Http2Limits {
  readonly concurrentStreams: number;
  readonly resets: number;
  readonly resetsPerS: number;
  readonly controlFrames: number;
  readonly controlFramesPerS: number;
  readonly overheadBytes: number;
  readonly overheadBytesPerS: number;
}

/** What all connections of a listener have in common. */
export interface Http2Context extends VisitorLimits, Http2Limits {
  readonly handler: VisitorHandler;
  readonly session: ServerSessionOptions;
  readonly requestHeadBytes: number;
  /** Of each upload. */
  readonly windowBytes: number;
  onClosed(connection: Http2Connection): void;
}

const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_REFUSED_STREAM } = constants;
/** For all uploads of a connection together; each is held by the window of its own stream. */
const CONNECTION_WINDOW_BYTES = 1_048_576;

export class Http2Connection implements Http2Owner, EndingOwner {
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
  /** The stream whose head came last, and the one whose head is under way, if it is a later one; since when. */
  #lastId = 0;
  #begunId = 0;
  #begunMs = 0;
  readonly #ending: Http2Ending;
  /** Since when nothing is asked. */
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
    this.#ending = new Http2Ending(this, this.#session, socket);
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

  get isIdle(): boolean {
    return this.#exchanges.size === 0;
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

  drain(): void {
    this.#ending.drain();
  }

  destroy(): void {
    this.#session.destroy();
    this.socket.destroy();
  }

  /** Called once a second: has something taken too long, or come too often? */
  check(nowMs: number): void {
    this.#cancelledBefore = this.#cancelled;
    this.#cancelled = 0;
    if (this.#ending.check(nowMs)) return;
    if (this.isOverhead()) return this.#ending.calm('http2-overhead');
    for (const exchange of this.#exchanges) exchange.check(nowMs);
    const { headTimeoutMs, keepAliveTimeoutMs } = this.#context;
    if (this.#isHeadLate(nowMs, headTimeoutMs)) return this.drain();
    if (!this.isIdle) return;
    const limitMs = this.#hasServed ? keepAliveTimeoutMs : headTimeoutMs;
    if (nowMs - this.#sinceMs > limitMs) this.drain();
  }

  // ---- from its exchanges and its end

  limitHit(limit: string): void {
    this.#context.handler.limitHit(limit);
  }

  isOverhead(): boolean {
    // What has come of bodies that are not read is not accounted for yet.
    let unread = 0;
    for (const exchange of this.#exchanges) unread += exchange.unreadBytes;
    return !this.#overhead.isTolerable(this.socket.bytesRead - unread, performance.now());
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
    if (this.isIdle) {
      this.#sinceMs = performance.now();
      this.#ending.answeredAll();
    }
    if (!isTakenBack) {
      this.#overhead.stopped(Math.min(exchange.leftBytes, this.#context.windowBytes));
      return this.#resets.give(1);
    }
    this.#cancelled += 1;
    this.#tookBack();
  }

  // ---- from the session

  #onStream(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    const { handler, concurrentStreams, requestHeadBytes } = this.#context;
    stream.on('error', ignore);
    this.#lastId = stream.id ?? 0;
    // Its visitor asks elsewhere: the GOAWAY that says so refuses it as it goes out.
    if (this.#ending.isCalmed || this.#ending.hasNamedLast) return;
    // Taken back before we heard of it.
    if (stream.closed) {
      stream.destroy();
      return this.#tookBack();
    }
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

  /** Also behind a head that nghttp2 refused by itself, of which we do not hear, where none has come since. */
  #isHeadLate(nowMs: number, headTimeoutMs: number): boolean {
    const begunId = this.#session.state.lastProcStreamID ?? 0;
    if (begunId <= this.#lastId) return false;
    if (begunId !== this.#begunId) {
      this.#begunId = begunId;
      this.#begunMs = nowMs;
    }
    return nowMs - this.#begunMs > headTimeoutMs;
  }

  /** A stream that came to nothing. */
  #tookBack(): void {
    if (!this.#resets.take(1, performance.now())) this.#ending.calm('http2-resets');
  }

  #refuse(stream: ServerHttp2Stream, refusal: Refusal): void {
    const { status, fields, body } = this.#context.handler.onRefused(refusal, this.peer);
    try {
      stream.respond([':status', String(status), ...fields]);
      // As it has of an answer to HEAD.
      if (!stream.writableEnded) stream.end(body);
    } catch {
      stream.destroy();
    }
  }

  #onSettings(): void {
    // The first is the greeting.
    if (this.#isGreeted) this.#onControlFrame();
    this.#isGreeted = true;
  }

  #onControlFrame(): void {
    if (!this.#control.take(1, performance.now())) this.#ending.calm('http2-control');
  }
}

function ignore(): void {}
