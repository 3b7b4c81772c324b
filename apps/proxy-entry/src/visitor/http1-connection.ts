/**
 * One connection of a visitor by our own codec: requests one at a time, each answered before the next is read.
 *
 *   idle ──▶ head ──▶ exchange ──▶ idle …          any ──▶ lingering ──▶ closed          exchange ──101──▶ raw
 */
import { performance } from 'node:perf_hooks';
import type { Socket } from 'node:net';
import { Faults, Phase, RequestReader, ResponseWriter } from '@sallyport/http1';
import type { Fault, MessageHandler, ReadLimits } from '@sallyport/http1';
import { Http1Exchange } from './http1-exchange.ts';
import type { AdmissionFailure, Peer, VisitorHandler } from './transport.ts';

/** What all connections of a listener have in common. */
export interface ConnectionContext {
  readonly handler: VisitorHandler;
  readonly limits: ReadLimits;
  readonly headTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly isDraining: boolean;
  onClosed(connection: VisitorConnection): void;
}

/** Behind our last byte so much is still read, so that the visitor can read it: else a reset would take it away. */
const LINGER_BYTES = 262_144;
const LINGER_MS = 1_000;
/** Of what came behind a request, and in how many reads: then no more is read until it has been answered. */
const REST_BYTES = 65_536;
const REST_READS = 64;
const MS_PER_SECOND = 1_000;
const EXPECTATION_FAILED = 'HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

export class VisitorConnection implements MessageHandler {
  readonly socket: Socket;
  readonly reader: RequestReader;
  readonly writer: ResponseWriter;
  readonly peer: Peer;
  readonly #context: ConnectionContext;
  #exchange: Http1Exchange | null = null;
  /** What came behind a request that is still being answered: reading goes on up to a limit, so that a close is seen. */
  readonly #rest: Buffer[] = [];
  #restBytes = 0;
  /** Since when it is idle, or its head is being read, or it lingers. */
  #sinceMs: number;
  #nowMs: number;
  #hasServed = false;
  #isLingering = false;
  #lingeredBytes = 0;

  constructor(context: ConnectionContext, socket: Socket, peer: Peer) {
    this.#context = context;
    this.socket = socket;
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
    return this.reader.keepsAlive && !this.#context.isDraining && this.reader.method !== 'CONNECT';
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Called now and then: has something taken too long? */
  check(nowMs: number): void {
    if (this.#exchange !== null) return;
    const { headTimeoutMs, keepAliveTimeoutMs } = this.#context;
    const tookMs = nowMs - this.#sinceMs;
    if (this.#isLingering) {
      if (tookMs > LINGER_MS) this.destroy();
    } else if (!this.reader.isIdle) {
      if (tookMs > headTimeoutMs) this.#refuse('head-timeout');
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
    if (isRead && this.#rest.length === 0 && !this.reader.keepsAlive) return this.socket.destroySoon();
    const isLast = this.writer.closes || this.socket.readableEnded || this.#context.isDraining;
    if (isLast || !isRead) return this.#linger();
    this.reader.next();
    this.#sinceMs = performance.now();
    // A body that nobody wanted any more, or too much behind the request, may have stopped it.
    if (this.socket.isPaused()) this.socket.resume();
    if (this.#rest.length > 0) this.#onData(this.#takeRest());
  };

  // ---- from the reader

  onHead(): void {
    const { facts, minor } = this.reader;
    if (minor === 1 && facts.expect !== '' && facts.expect.toLowerCase() !== '100-continue') {
      this.#say(EXPECTATION_FAILED);
      return;
    }
    const exchange = new Http1Exchange(this, this.#isUpgrade(), this.#nowMs);
    this.#exchange = exchange;
    this.#context.handler.onRequest(exchange);
  }

  onBody(chunk: Buffer): void {
    this.#exchange?.body(chunk);
  }

  // ---- from the socket

  #onData(chunk: Buffer): void {
    if (this.#isLingering) return this.#drop(chunk);
    const exchange = this.#exchange;
    if (exchange?.isUpgrade === true) return exchange.body(chunk);
    if (exchange !== null && this.reader.phase === Phase.DONE) return this.#keep(chunk);
    this.#nowMs = performance.now();
    if (exchange === null && this.reader.isIdle) this.#sinceMs = this.#nowMs;
    const at = this.reader.read(chunk, 0, chunk.length);
    if (this.reader.phase === Phase.DONE) this.#onRequestRead(at === chunk.length ? null : chunk.subarray(at));
    else if (this.reader.phase === Phase.FAILED) this.#refuseFault(this.reader.fault!);
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
    this.#rest.push(chunk);
    this.#restBytes += chunk.length;
    if (this.#restBytes >= REST_BYTES || this.#rest.length >= REST_READS) this.socket.pause();
  }

  #takeRest(): Buffer {
    const rest = this.#rest.splice(0);
    this.#restBytes = 0;
    return rest.length === 1 ? rest[0]! : Buffer.concat(rest);
  }

  /** GET, HTTP/1.1, without a body, and not to HTTP/2 in clear text: else it is a request like any other. */
  #isUpgrade(): boolean {
    const { facts, method, minor, phase } = this.reader;
    if (facts.upgrade === '' || !facts.isUpgradeNominated || method !== 'GET' || minor !== 1) return false;
    return phase === Phase.DONE && !/\bh2c\b/i.test(facts.upgrade);
  }

  #onEnd(): void {
    const exchange = this.#exchange;
    if (exchange?.isRaw === true) {
      exchange.bodyEnd([]);
      return;
    }
    // Its answer is on its way: it still gets it.
    if (exchange?.isEnded === true) return;
    if (exchange === null && !this.reader.isIdle && !this.#isLingering) return this.#refuse('bad-request');
    // Who ends its side while it waits for an answer has left.
    if (exchange === null) this.socket.destroySoon();
    else this.destroy();
  }

  #onClose(): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#takeRest();
    this.reader.stop();
    exchange?.finish(exchange.isRaw && exchange.isEnded);
    this.#context.onClosed(this);
  }

  #refuseFault(fault: Fault): void {
    const isTooLarge = TOO_LARGE.has(fault);
    this.#refuse(isTooLarge ? 'head-too-large' : 'bad-request');
  }

  #refuse(failure: AdmissionFailure): void {
    const exchange = this.#exchange;
    // In the midst of an answer there is no place for another.
    if (exchange?.isHeadGiven === true) return exchange.cut();
    this.#exchange = null;
    exchange?.finish(false);
    this.#say(this.#context.handler.onRefused(failure, this.peer.remoteAddress));
  }

  /** The last words of a connection that has no exchange. */
  #say(text: string): void {
    this.socket.write(text, 'latin1');
    this.#linger();
  }

  #linger(): void {
    this.#isLingering = true;
    this.#sinceMs = performance.now();
    this.#takeRest();
    this.reader.stop();
    this.socket.end();
    if (this.socket.readableEnded) this.socket.destroySoon();
    else this.socket.resume();
  }

  #drop(chunk: Buffer): void {
    this.#lingeredBytes += chunk.length;
    if (this.#lingeredBytes > LINGER_BYTES) this.destroy();
  }
}

const TOO_LARGE: ReadonlySet<Fault> = new Set([
  Faults.HEAD_TOO_LARGE,
  Faults.TOO_MANY_LINES,
  Faults.START_LINE_TOO_LONG,
]);
