/** One request on a stream of HTTP/2 and its answer. One object is both, as with HTTP/1.1. */
import { constants } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import { fieldsAreValid } from '@sallyport/protocol';
import { AnswerClock, BODY_TOO_SLOW } from './clocks.ts';
import { keepOpen, readBody, serve, stopUpload } from './http2-events.ts';
import type { StreamSink } from './http2-events.ts';
import { Http2Reply } from './http2-reply.ts';
import type { Http2Head } from './http2-request.ts';
import { Http2Upload } from './http2-upload.ts';
import type { Peer, Refusal, VisitorExchange, VisitorListener, VisitorRequest } from './transport.ts';

/** What an exchange tells its connection. */
export interface Http2Owner {
  readonly peer: Peer;
  readonly bodyMinBytesPerS: number;
  readonly bodyGraceMs: number;
  readonly answerStallTimeoutMs: number;
  readonly isAlive: boolean;
  limitHit(limit: string): void;
  /** A piece of a request's body came. */
  bodyCame(bytes: number): void;
  /** A piece of an answer goes out. */
  answerGoes(bytes: number): void;
  /** Its stream is closed. `isTakenBack`: neither by its end nor by us. */
  isOver(exchange: Http2Exchange, isTakenBack: boolean): void;
}

const BAD_TRAILER: Refusal = {
  code: 'bad-trailer',
  rule: 'RFC 9113 §8.2.1',
  text: 'a trailer field is malformed',
  status: 400,
};

export class Http2Exchange implements VisitorExchange, VisitorRequest, StreamSink {
  readonly request: VisitorRequest = this;
  readonly method: string;
  readonly target: string;
  readonly httpVersion = '2';
  readonly fields: readonly string[];
  readonly peer: Peer;
  readonly isUpgrade: boolean;
  readonly hasBody: boolean;
  readonly arrivedMs: number;
  listener: VisitorListener | null = null;
  readonly #owner: Http2Owner;
  readonly #stream: ServerHttp2Stream;
  readonly #webSocketKey: string;
  readonly #upload: Http2Upload | null;
  readonly #reply: Http2Reply;
  #answerClock: AnswerClock | null = null;
  #isOver = false;

  constructor(owner: Http2Owner, stream: ServerHttp2Stream, head: Http2Head, isWhole: boolean, nowMs: number) {
    this.#owner = owner;
    this.#stream = stream;
    this.#webSocketKey = head.webSocketKey;
    this.method = head.method;
    this.target = head.target;
    this.fields = !isWhole && head.contentLength === 0 ? withoutLength(head.fields) : head.fields;
    this.peer = owner.peer;
    this.isUpgrade = head.webSocketKey !== '';
    this.hasBody = this.isUpgrade || !isWhole;
    this.arrivedMs = nowMs;
    this.#upload = this.hasBody ? new Http2Upload(head.contentLength) : null;
    this.#reply = new Http2Reply(stream);
    serve(stream, this, this.hasBody);
  }

  // ---- from the entry

  startBody(): void {
    if (this.#isOver || this.#upload === null) return;
    this.#upload.start(performance.now(), this.#owner.bodyGraceMs);
    readBody(this.#stream);
  }

  /** No more window is given: what was promised may still come (RFC 9113 §5.2). */
  pauseBody(): void {
    if (!this.#isOver) this.#stream.pause();
  }

  resumeBody(): void {
    if (!this.#isOver) this.#stream.resume();
  }

  informational(status: number, _reason: string, fields: readonly string[]): void {
    if (!this.#isOver) this.#reply.informational(status, fields);
  }

  head(status: number, _reason: string, fields: readonly string[]): void {
    if (this.#isOver) return;
    if (status === 101) this.#reply.switchToWebSocket(fields, this.#webSocketKey);
    else this.#reply.head(status, fields, this.method === 'HEAD');
  }

  write(chunk: Buffer): boolean {
    if (this.#isOver) return true;
    this.#owner.answerGoes(chunk.length);
    return this.#reply.write(chunk);
  }

  end(trailers: readonly string[]): void {
    if (this.#isOver) return;
    keepOpen(this.#stream);
    this.#reply.end(trailers);
  }

  takeBack(): boolean {
    return !this.#isOver && this.#reply.takeBack();
  }

  cut(): void {
    this.#reply.cut();
  }

  // ---- from the connection

  /** Of its body, what at most is still to come, or was not read. */
  get leftBytes(): number {
    return this.#upload?.leftBytes ?? 0;
  }

  /** Of its body, what has come and waits to be read. */
  get unreadBytes(): number {
    return this.#stream.readableLength;
  }

  /** Called now and then: has something taken too long? */
  check(nowMs: number): void {
    if (this.#reply.isEnded && !this.#reply.isRaw) this.answerSent();
    if (this.#isBodyTooSlow(nowMs)) {
      this.#refuseBody(BODY_TOO_SLOW);
    } else if (this.#isAnswerStalled(nowMs)) {
      this.#owner.limitHit('answer-stall');
      this.cut();
    }
  }

  // ---- from the stream

  onBodyPiece(chunk: Buffer): void {
    this.#owner.bodyCame(chunk.length);
    const piece = this.#upload!.take(chunk);
    if (piece !== null) this.listener?.onBody(piece);
  }

  onBodyTrailers(raw: readonly string[]): void {
    if (fieldsAreValid(raw, 0)) this.#upload!.trailers = raw;
    else this.#refuseBody(BAD_TRAILER);
  }

  /** Node says so too when a stream is cut: only what ended by itself is whole. */
  onBodyEnd(): void {
    if (this.#isOver || this.#stream.aborted || this.#stream.destroyed || this.#upload!.isStopped) return;
    const last = this.#upload!.end();
    if (last !== null) this.listener?.onBody(last);
    this.listener?.onBodyEnd(this.#upload!.trailers);
  }

  onDrained(): void {
    if (this.#reply.drained()) this.listener?.onDrained();
  }

  onWritten(): void {
    // An END_STREAM behind the last DATA goes out by the end of the turn.
    if (!this.#reply.isRaw && !this.#reply.trails) setImmediate(answerSent, this);
  }

  onTrailersWanted(): void {
    if (this.#stream.closed) return;
    this.#reply.sendTrailers();
    // Node gives them to nghttp2 in the next turn, and they go out by the end of that.
    if (this.hasBody) setImmediate(setImmediate, answerSent, this);
  }

  answerSent(): void {
    if (this.hasBody && !this.#isOver) stopUpload(this.#stream);
  }

  onClosed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { isEnded, isCut } = this.#reply;
    this.#reply.forget();
    // Node may close a stream before it says that all was written; a connection that is gone took what was not along.
    const isWritten = this.#stream.writableFinished || this.#owner.isAlive;
    const isComplete = isEnded && !isCut && isWritten && this.#stream.rstCode === constants.NGHTTP2_NO_ERROR;
    this.#owner.isOver(this, !isComplete && !isCut);
    this.listener?.onFinished(isComplete);
  }

  // ---- inside

  #refuseBody(refusal: Refusal): void {
    this.#upload!.stop();
    this.listener?.onRefused(refusal);
  }

  /** By a clock that ends with the first of the answer. */
  #isBodyTooSlow(nowMs: number): boolean {
    if (this.#upload === null || this.#reply.isHeadGiven) return false;
    const { bodyMinBytesPerS, bodyGraceMs } = this.#owner;
    return this.#upload.isTooSlow(nowMs, this.#stream.isPaused(), bodyMinBytesPerS, bodyGraceMs);
  }

  /** With the last of it given, its stream closes unless the visitor's window or socket is shut. */
  #isAnswerStalled(nowMs: number): boolean {
    const writableLength = this.#stream.writableLength + (this.#reply.isEnded ? 1 : 0);
    this.#answerClock ??= new AnswerClock();
    const outgoing = { writableLength, bytesWritten: this.#reply.givenBytes };
    return this.#answerClock.isLate(nowMs, outgoing, 0, this.#owner.answerStallTimeoutMs);
  }
}

function answerSent(exchange: Http2Exchange): void {
  exchange.answerSent();
}

/**
 * Of a body that is said to be empty and has not ended: in chunks, so that the backend takes the request for whole only
 * at the end of its stream. Until then it may turn out to be malformed (RFC 9113 §8.1.1).
 */
function withoutLength(fields: readonly string[]): string[] {
  return fields.filter((_, i) => fields[i - (i % 2)] !== 'content-length');
}
