/**
 * One connection of a visitor by our own codec: requests one at a time, each answered before the next is read.
 *
 *   idle ──▶ head ──▶ exchange ──▶ idle …          any ──▶ lingering ──▶ closed          exchange ──101──▶ raw
 */
import { performance } from 'node:perf_hooks';
import type { Socket } from 'node:net';
import { Faults, Phase, RequestReader, ResponseWriter } from '@sallyport/http1';
import type { MessageHandler, ReadLimits } from '@sallyport/http1';
import { AnswerClock, BODY_TOO_SLOW, BodyClock } from './clocks.ts';
import { Http1Exchange } from './http1-exchange.ts';
import { sayLast } from './last-answer.ts';
import { ReadAhead } from './read-ahead.ts';
import type { Peer, Refusal, VisitorHandler, VisitorLimits } from './transport.ts';

/** What all connections of a listener have in common. */
export interface ConnectionContext extends VisitorLimits {
  readonly handler: VisitorHandler;
  readonly limits: ReadLimits;
  readonly isDraining: boolean;
  onClosed(connection: VisitorConnection): void;
}

/** Behind our last byte so much is still read, so that the visitor can read it: else a reset would take it away. */
const LINGER_BYTES = 262_144;
const LINGER_MS = 1_000;
const NOTHING = Buffer.alloc(0);
const MS_PER_SECOND = 1_000;
const HEAD_TOO_SLOW: Refusal = {
  code: 'head-too-slow',
  rule: 'RFC 9110 §15.5.9',
  text: 'the head did not come in time',
  status: 408,
};

export class VisitorConnection implements MessageHandler {
  readonly socket: Socket;
  /** What carries it: itself, or below TLS. */
  readonly #raw: Socket;
  readonly reader: RequestReader;
  readonly writer: ResponseWriter;
  readonly peer: Peer;
  readonly #context: ConnectionContext;
  #exchange: Http1Exchange | null = null;
  readonly #rest = new ReadAhead();
  /** Since when it is idle, or its head is being read, or it lingers. */
  #sinceMs: number;
  #nowMs: number;
  #hasServed = false;
  /** The visitor sends nothing more. */
  #isHalfClosed = false;
  #isLingering = false;
  /** Read of an upload behind the end of its answer. */
  #lingeredBytes = 0;
  readonly #bodyClock = new BodyClock();
  readonly #answerClock = new AnswerClock();
  /** Not all of the time since the last check was the visitor's to send in. */
  #wasPaused = false;

  constructor(context: ConnectionContext, socket: Socket, peer: Peer, raw: Socket) {
    this.#context = context;
    this.socket = socket;
    this.#raw = raw;
    this.peer = peer;
    this.reader = new RequestReader(context.limits, this);
    this.writer = new ResponseWriter(Math.floor(context.keepAliveTimeoutMs / MS_PER_SECOND));
    this.#nowMs = performance.now();
    this.#sinceMs = this.#nowMs;
    socket
      .on('data', (chunk: Buffer) => this.#onData(chunk))
      .on('drain', () => this.#exchange?.drained())
      .on('end', () => this.#onEnd())
      // The close that follows says it.
      .on('error', () => {})
      .once('close', () => this.#onClose());
  }

  /** Nothing is asked nor being asked. */
  get isIdle(): boolean {
    return this.#exchange === null && this.reader.isIdle && !this.#isLingering;
  }

  /** Another request may follow. */
  get mayStay(): boolean {
    if (this.#isHalfClosed && this.#rest.isEmpty) return false;
    return this.reader.keepsAlive && !this.#context.isDraining && this.reader.method !== 'CONNECT';
  }

  pause(): void {
    this.#wasPaused = true;
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** What is still under way is cut, and looks so. */
  destroy(): void {
    if (this.#exchange === null) this.socket.destroy();
    else this.#exchange.cut();
  }

  /** As a cut that nobody takes for an end; what the kernel holds for the visitor is given back at once. */
  reset(): void {
    this.#raw.resetAndDestroy();
  }

  /** Called about once a second: has something taken too long? */
  check(nowMs: number): void {
    if (this.#exchange !== null) return this.#checkExchange(this.#exchange, nowMs);
    const { headTimeoutMs, keepAliveTimeoutMs } = this.#context;
    const tookMs = nowMs - this.#sinceMs;
    if (this.#isLingering) {
      if (tookMs > LINGER_MS) this.destroy();
    } else if (!this.reader.isIdle) {
      if (tookMs > headTimeoutMs) this.#refuse(HEAD_TOO_SLOW);
    } else if (tookMs > (this.#hasServed ? keepAliveTimeoutMs : headTimeoutMs)) this.destroy();
  }

  /** The last byte of an answer is with the kernel. One function for all answers of the connection. */
  readonly onFlushed = (error?: Error | null): void => {
    const exchange = this.#exchange;
    if (exchange === null || error instanceof Error) return;
    const isRead = this.reader.phase === Phase.DONE;
    this.#exchange = null;
    this.#hasServed = true;
    exchange.finish(true);
    // Who said that nothing more will come, and sent all of it, needs no lingering.
    if (isRead && this.#rest.isEmpty && !this.reader.keepsAlive) return this.socket.destroySoon();
    const isLast = this.writer.closes || this.#context.isDraining || (this.#isHalfClosed && this.#rest.isEmpty);
    if (isLast || !isRead) return this.#linger();
    this.reader.next();
    this.#sinceMs = performance.now();
    // A body that nobody wanted any more, or too much behind the request, may have stopped it.
    if (this.socket.isPaused()) this.socket.resume();
    if (!this.#rest.isEmpty) this.#onData(this.#rest.take());
    if (this.#isHalfClosed) this.#onEnd();
  };

  // ---- from the reader

  onHead(): void {
    const exchange = new Http1Exchange(this, this.#isUpgrade(), this.#nowMs);
    this.#exchange = exchange;
    if (exchange.hasBody) this.#bodyClock.start(this.#nowMs, this.#context.bodyGraceMs);
    this.#context.handler.onRequest(exchange);
  }

  onBody(chunk: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    this.#bodyClock.took(chunk.length);
    if (exchange.isEnded) this.#countUnwanted(chunk.length);
    else exchange.body(chunk);
  }

  // ---- from the socket

  #onData(chunk: Buffer): void {
    // It lingers, or the rest of a request is on its way that was refused.
    if (this.reader.phase > Phase.DONE) return this.#countUnwanted(chunk.length);
    const exchange = this.#exchange;
    if (exchange?.isUpgrade === true) return exchange.body(chunk);
    if (exchange !== null && this.reader.phase === Phase.DONE) return this.#keep(chunk);
    this.#nowMs = performance.now();
    if (exchange === null && this.reader.isIdle) this.#sinceMs = this.#nowMs;
    const at = this.reader.read(chunk, 0, chunk.length);
    if (this.reader.phase === Phase.DONE) this.#onRequestRead(at === chunk.length ? null : chunk.subarray(at));
    else if (this.reader.phase === Phase.FAILED) this.#refuse(this.reader.fault!);
  }

  /** `rest`: what came right behind it. */
  #onRequestRead(rest: Buffer | null): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    if (exchange.isUpgrade) {
      if (rest !== null) exchange.body(rest);
      return;
    }
    if (exchange.hasBody) exchange.bodyEnd(this.reader.trailers);
    if (rest !== null) this.#keep(rest);
  }

  #keep(chunk: Buffer): void {
    if (!this.#rest.keep(chunk)) this.socket.pause();
  }

  /** GET, HTTP/1.1, without a body, and not to HTTP/2 in clear text: else it is a request like any other. */
  #isUpgrade(): boolean {
    const { facts, method, minor, phase } = this.reader;
    if (facts.upgrade === '' || !facts.isUpgradeNominated || method !== 'GET' || minor !== 1) return false;
    return phase === Phase.DONE && !/\bh2c\b/i.test(facts.upgrade);
  }

  #onEnd(): void {
    this.#isHalfClosed = true;
    const exchange = this.#exchange;
    if (exchange === null) {
      if (this.reader.isIdle || this.#isLingering) return this.socket.destroySoon();
      this.reader.finish();
      this.#refuse(this.reader.fault ?? Faults.CUT);
    } else if (exchange.isRaw) exchange.bodyEnd([]);
    // Its answer is on its way: it still gets it.
    else if (exchange.isEnded) return;
    else if (this.reader.phase === Phase.DONE && exchange.mayOnlyBeRead) exchange.begin();
    else this.destroy();
  }

  #onClose(): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#rest.take();
    this.reader.stop();
    exchange?.finish(exchange.isRaw && exchange.isEnded);
    this.#context.onClosed(this);
  }

  #checkExchange(exchange: Http1Exchange, nowMs: number): void {
    const { bodyMinBytesPerS, bodyGraceMs, answerStallTimeoutMs, handler } = this.#context;
    const isPaused = this.socket.isPaused();
    // Nothing is read of it, so that only a write finds that it was reset.
    if ((isPaused || this.#isHalfClosed) && !exchange.isEnded && this.socket.writableLength === 0)
      this.socket.write(NOTHING);
    const isTheirTurn = exchange.isBodyAwaited && this.reader.phase < Phase.DONE && !this.#wasPaused && !isPaused;
    this.#wasPaused = isPaused;
    if (!isTheirTurn || bodyMinBytesPerS === 0) this.#bodyClock.skip(nowMs);
    else if (this.#bodyClock.isLate(nowMs, bodyMinBytesPerS, bodyGraceMs)) {
      this.reader.stop();
      return exchange.refused(BODY_TOO_SLOW);
    }
    if (!this.#answerClock.isLate(nowMs, this.socket, queuedBytes(this.socket), answerStallTimeoutMs)) return;
    handler.limitHit('answer-stall');
    this.reset();
  }

  #refuse(refusal: Refusal): void {
    if (this.#exchange !== null) return this.#exchange.refused(refusal);
    sayLast(this.socket, this.#context.handler.onRefused(refusal, this.peer), this.reader.isHead);
    this.#linger();
  }

  #linger(): void {
    this.#isLingering = true;
    this.#sinceMs = performance.now();
    this.#rest.take();
    this.reader.stop();
    this.socket.end();
    if (this.socket.readableEnded) this.socket.destroySoon();
    else this.socket.resume();
  }

  /** Of an upload whose answer is given already: it is read to a limit, so that the visitor comes to read the answer. */
  #countUnwanted(bytes: number): void {
    this.#lingeredBytes += bytes;
    // Not a close yet: as a reset it could overtake the answer.
    if (this.#lingeredBytes > LINGER_BYTES) this.pause();
  }
}

/** Node shows nowhere else how far it is with a large write; its own socket timeout looks at this as well. */
function queuedBytes(socket: Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null }): number {
  return socket._handle?.writeQueueSize ?? 0;
}
