/**
 * One connection to the backend, one request on it at a time, by our own codec:
 *
 *   connecting ──▶ ready: idle ⇄ busy ──▶ closed          busy ──101──▶ raw ──▶ closed
 */
import { performance } from 'node:perf_hooks';
import type { Socket } from 'node:net';
import { Faults, Phase } from '@sallyport/http1';
import { StreamCode } from '@sallyport/protocol';
import type { Dialling } from './dialling.ts';
import { failureCode } from './failures.ts';
import { AnswerReader } from './http1-answer.ts';
import type { AnswerOwner } from './http1-answer.ts';
import type { Http1Call } from './http1-call.ts';
import { proxyHeader, visitorOf } from './proxy-header.ts';
import type { BackendOptions } from './transport.ts';

/** What a connection tells its pool. */
export interface ConnectionOwner {
  /** It can carry another request. */
  onFree(connection: Http1Connection): void;
  /** Once: it can not, now or ever. */
  onClosed(connection: Http1Connection): void;
}

/** A connection is closed this long before the backend says it would close it: a request must not meet its end. */
const KEEP_ALIVE_MARGIN_MS = 1_000;
const MS_PER_SECOND = 1_000;
const READ_BYTES = 65_536;
/** A backend that has ended its side of an upgraded connection need not listen for ever to the other. */
const HALF_OPEN_MS = 60_000;

/** One for all connections: what is read is handled, or copied, before anything else is read. */
const READ_BUFFER = Buffer.allocUnsafeSlow(READ_BYTES);

export class Http1Connection implements AnswerOwner {
  readonly socket: Socket;
  isReady = false;
  /** It was ready at one time: a request on it may have reached the backend. */
  #wasReady = false;
  /** When it became idle; meant for who keeps it. */
  idleMs = 0;
  /** How long it may then be used again. */
  idleLimitMs = 0;
  readonly #options: BackendOptions;
  readonly #dialling: Dialling;
  readonly #owner: ConnectionOwner;
  readonly #answer: AnswerReader;
  readonly #connectTimer: NodeJS.Timeout;
  #call: Http1Call | null;
  #isPaused = false;
  #isClosed = false;
  #hasEnded = false;
  #endedMs = 0;
  /** Raw, the backend's way has ended, and the visitor was told. */
  #isHalfOpen = false;
  #error: (Error & { code?: string }) | null = null;

  /** Begins to connect for `call`. */
  constructor(options: BackendOptions, dialling: Dialling, owner: ConnectionOwner, call: Http1Call) {
    this.#options = options;
    this.#dialling = dialling;
    this.#owner = owner;
    this.#answer = new AnswerReader(options.headBytes, this);
    this.#call = call;
    call.connection = this;
    this.socket = dialling.dial({
      buffer: READ_BUFFER,
      callback: (bytes, buffer) => this.#onBytes(buffer as Buffer, bytes),
    });
    this.#connectTimer = setTimeout(() => this.#connectTimedOut(), options.connectTimeoutMs);
    this.socket
      .once(dialling.readyEvent, () => this.#onReady())
      .on('drain', () => this.#call?.drained())
      .on('end', () => this.#onEnd())
      .on('error', (error) => (this.#error = error))
      .once('close', () => this.#onClose());
  }

  /** The backend switched protocols: the rest is not HTTP. */
  get isRaw(): boolean {
    return this.#answer.isRaw;
  }

  /** Carries `call`; it must be ready and idle. */
  run(call: Http1Call): void {
    this.#call = call;
    call.connection = this;
    this.#start(call);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.socket.resume();
  }

  /** Our side of a raw connection ends. */
  endRaw(): void {
    if (this.#hasEnded) this.socket.destroySoon();
    else this.socket.end();
  }

  destroy(): void {
    // Behind a 101 the end of the connection would be the end of what the visitor says.
    if (this.isRaw && this.#call?.isSent !== true) this.#dialling.cut(this.socket);
    else this.socket.destroy();
    this.#answer.stop();
    this.#closed();
  }

  /** Called now and then: no answer in time. */
  check(nowMs: number): void {
    const call = this.#call;
    if (this.#isHalfOpen && nowMs - this.#endedMs > HALF_OPEN_MS) return this.destroy();
    if (call === null || !this.isReady || this.#answer.hasHead) return;
    // While the visitor is sending, and the backend taking, nobody keeps us waiting.
    const isWaiting = call.isSent || call.isUpgrade || call.expectsContinue || this.socket.writableNeedDrain;
    if (!isWaiting || nowMs - call.sentMs < this.#options.headTimeoutMs) return;
    call.fail(StreamCode.BACKEND_TIMEOUT, true, new Error('no answer in time'));
    this.destroy();
  }

  // ---- from the answer

  onFull(): void {
    if (this.#isClosed) return;
    this.#isPaused = true;
    this.socket.pause();
  }

  onBad(code: StreamCode, error: Error): void {
    this.#call?.fail(code, true, error);
    this.destroy();
  }

  // ---- from the socket

  #onReady(): void {
    clearTimeout(this.#connectTimer);
    this.isReady = true;
    this.#wasReady = true;
    const call = this.#call;
    if (call === null) return;
    const { proxyProtocol } = this.#options;
    if (proxyProtocol !== 'off') this.#name(proxyProtocol, visitorOf(call.request.fields));
    this.#start(call);
  }

  #name(protocol: 'v1' | 'v2', visitor: string | null): void {
    const { remoteAddress = '', remotePort = 0 } = this.socket;
    this.socket.write(proxyHeader(protocol, visitor, { address: remoteAddress, port: remotePort }));
  }

  #start(call: Http1Call): void {
    this.#answer.expect(call);
    call.begin(performance.now());
  }

  #onBytes(buffer: Buffer, bytes: number): boolean {
    const call = this.#call;
    if (call === null) {
      // Nothing was asked: what comes would be taken for an answer to the next request.
      this.destroy();
      return true;
    }
    const answer = this.#answer;
    const wasRaw = this.isRaw;
    const at = answer.read(buffer, bytes);
    if (this.#isClosed) return true;
    if (answer.phase === Phase.DONE) this.#answered(call, at < bytes);
    else if (answer.phase === Phase.FAILED) this.#refuse();
    else if (answer.phase === Phase.RAW) this.#onRaw(call, buffer.subarray(at, bytes), wasRaw);
    return true;
  }

  #onRaw(call: Http1Call, chunk: Buffer, wasRaw: boolean): void {
    if (!wasRaw) call.beginRaw();
    if (chunk.length > 0 && !call.isOver && !call.handler.onAnswerData(Buffer.from(chunk))) this.onFull();
  }

  /** `hasMore`: something came behind the answer that nobody asked for. */
  #answered(call: Http1Call, hasMore: boolean): void {
    const { trailers } = this.#answer;
    call.isOver = true;
    if (!this.#mayStay(call, hasMore)) this.#leave(call);
    else this.#free(call);
    call.handler.onAnswerEnd(trailers);
  }

  #mayStay(call: Http1Call, hasMore: boolean): boolean {
    if (this.#options.proxyProtocol !== 'off') return false;
    if (hasMore || !call.isSent || !this.#answer.keepsAlive || call.isUpgrade || this.#hasEnded) return false;
    const { keepAliveSeconds } = this.#answer;
    const hintMs = keepAliveSeconds < 0 ? Infinity : keepAliveSeconds * MS_PER_SECOND - KEEP_ALIVE_MARGIN_MS;
    this.idleLimitMs = Math.min(this.#options.idleTimeoutMs, hintMs);
    return this.idleLimitMs > 0;
  }

  #free(call: Http1Call): void {
    call.connection = null;
    this.#call = null;
    this.idleMs = performance.now();
    this.resume();
    this.#owner.onFree(this);
  }

  #leave(call: Http1Call): void {
    call.connection = null;
    this.#call = null;
    this.destroy();
  }

  #refuse(): void {
    const { code, rule, text } = this.#answer.fault!;
    this.onBad(StreamCode.BAD_HEAD, Object.assign(new Error(`${text} (${rule})`), { code }));
  }

  #onEnd(): void {
    this.#hasEnded = true;
    this.#endedMs = performance.now();
    const call = this.#call;
    if (call === null) return this.destroy();
    if (this.isRaw) return this.#onRawEnd(call);
    this.#answer.finish();
    const { phase, fault } = this.#answer;
    if (phase === Phase.DONE) return this.#answered(call, false);
    // A head that came in pieces is looked at here for the last time.
    if (phase === Phase.FAILED && fault !== Faults.CUT) return this.#refuse();
    const code = this.#wasReady ? StreamCode.BACKEND_RESET : StreamCode.BACKEND_REFUSED;
    call.fail(code, this.#wasReady, new Error('the backend closed the connection'));
    this.destroy();
  }

  /** Each way ends by itself. */
  #onRawEnd(call: Http1Call): void {
    if (!call.isOver) {
      call.isOver = true;
      this.#isHalfOpen = true;
      call.handler.onAnswerEnd([]);
    }
    if (call.isSent) this.socket.destroySoon();
  }

  #onClose(): void {
    this.#fail();
    this.#closed();
  }

  #fail(): void {
    const call = this.#call;
    if (call === null) return;
    this.#answer.giveHead();
    const error = this.#error ?? new Error('the connection was closed');
    const isHalfOpen = this.#isHalfOpen && !call.isSent;
    // Its answer is over, but what the visitor still sends has nowhere to go.
    if (isHalfOpen) call.handler.onFailure(StreamCode.BACKEND_RESET, true, error);
    else call.fail(failureCode(error, this.#wasReady), this.#wasReady, error);
  }

  #connectTimedOut(): void {
    this.#call?.fail(StreamCode.BACKEND_TIMEOUT, false, new Error('no connection in time'));
    this.destroy();
  }

  #closed(): void {
    clearTimeout(this.#connectTimer);
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.isReady = false;
    this.#owner.onClosed(this);
  }
}
