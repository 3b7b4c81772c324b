/**
 * One request over HTTP/2, on a stream of its own (RFC 9113 §8):
 *
 *   waiting ──begin──▶ sent ──1xx*──▶ sent ──head──▶ answering ──END_STREAM──▶ over      a 2xx to CONNECT ──▶ raw
 */
import { STATUS_CODES } from 'node:http';
import { constants } from 'node:http2';
import type { ClientHttp2Stream } from 'node:http2';
import { performance } from 'node:perf_hooks';
import { NO_FIELDS, StreamCode } from '@sallyport/protocol';
import type { Http2Connection } from './http2-connection.ts';
import { asksFor, connectHead, plainFields, requestHead, switchedFields, trailerObject } from './http2-fields.ts';
import type { Http2Head } from './http2-fields.ts';
import { Http2Upload } from './http2-upload.ts';
import type { BackendCall, BackendHandler, BackendRequest } from './transport.ts';

const { NGHTTP2_CANCEL, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM } = constants;
/** A backend that has ended its side of an upgraded stream need not listen for ever to the other. */
const HALF_OPEN_MS = 60_000;
/** RFC 9113 §5.1.1: behind it a connection has none for a request. */
const LAST_STREAM_ID = 2 ** 31 - 1;
/** How long a backend that has answered may take to read what it was sent. */
const UNREAD_MS = 5_000;

export class Http2Call implements BackendCall {
  readonly request: BackendRequest;
  readonly handler: BackendHandler;
  readonly isUpgrade: boolean;
  /**
   * It announces trailers, and has a connection of its own, which is cut with it: node:http2 ends the process by an
   * assertion where a stream that may still have trailers is reset (nodejs/node issue 41458).
   */
  readonly isAlone: boolean;
  isOver = false;
  /** Since when it waits for a connection. */
  readonly waitingMs = performance.now();
  /** Called once, where it is cancelled while it waits for a connection. */
  onAbandoned: ((call: Http2Call) => void) | null = null;
  #connection: Http2Connection | null = null;
  #stream: ClientHttp2Stream | null = null;
  readonly #upload: Http2Upload;
  #hasHead = false;
  #isRaw = false;
  /** END_STREAM came: its end is no cut. */
  #isWhole = false;
  #isReset = false;
  /** Of a request with a body. */
  readonly #abort: AbortController | null;
  #answerTrailers: readonly string[] = NO_FIELDS;
  #error: Error | null = null;
  #endedMs = 0;

  constructor(request: BackendRequest, handler: BackendHandler) {
    this.request = request;
    this.handler = handler;
    this.isUpgrade = asksFor(request, 'upgrade');
    this.isAlone =
      request.hasBody && !this.isUpgrade && asksFor(request, 'trailer') && !asksFor(request, 'content-length');
    const hasUpload = request.hasBody || this.isUpgrade;
    this.#upload = new Http2Upload(hasUpload, asksFor(request, 'expect'), (bytes) => handler.onBodyTaken(bytes));
    this.#abort = hasUpload ? new AbortController() : null;
  }

  // ---- from the visitor's side

  write(chunk: Buffer): void {
    if (this.isOver && !this.#isRaw) return;
    if (!this.#upload.write(chunk)) this.#breakOff();
  }

  end(trailers: readonly string[]): void {
    if (!this.#upload.end(trailers)) this.#breakOff();
  }

  resume(): void {
    this.#stream?.resume();
  }

  cancel(): void {
    if (!this.isOver) this.fail(StreamCode.CANCELLED, this.#stream !== null, new Error('cancelled'));
    else if (!this.#isRaw) return;
    if (this.#stream === null) this.onAbandoned?.(this);
    else this.#reset(NGHTTP2_CANCEL);
  }

  // ---- from the connection

  /** Sends the head, and what there is of the body. */
  begin(connection: Http2Connection): void {
    const head = this.#head(connection);
    const stream = head === null ? null : this.#open(connection, head);
    if (head === null || stream === null) return;
    this.#connection = connection;
    this.#stream = stream;
    this.#upload.sentMs = performance.now();
    connection.calls.add(this);
    if (stream.id === LAST_STREAM_ID) connection.retire();
    this.#watchEnd(stream);
    stream
      .on('headers', (_headers, _flags, raw) => this.#onInformational(raw))
      .on('response', (headers, _flags, raw) => this.#onResponse(headers[':status'] ?? 0, raw))
      .on('trailers', (_headers, _flags, raw) => (this.#answerTrailers = plainFields(raw)))
      .on('wantTrailers', () => this.#sendTrailers(stream))
      .on('error', (error: Error) => (this.#error = error))
      .once('close', () => this.#onClose(stream));
    // What an upgrade sends comes behind its 101.
    if (this.isUpgrade || !this.request.hasBody) return;
    if (!this.#upload.start(stream, head.contentLength)) this.#breakOff();
  }

  /** Called now and then: no answer in time. */
  check(nowMs: number, headTimeoutMs: number): void {
    if (this.#endedMs > 0 && nowMs - this.#endedMs > (this.#isRaw ? HALF_OPEN_MS : UNREAD_MS)) {
      return this.#reset(NGHTTP2_CANCEL);
    }
    const { hasEnded, expectsContinue, isHeldUp, sentMs } = this.#upload;
    if (this.#hasHead || this.isOver || nowMs - sentMs < headTimeoutMs) return;
    // While the visitor is sending, and the backend taking, nobody keeps us waiting.
    if (!hasEnded && !this.isUpgrade && !expectsContinue && !isHeldUp) return;
    this.fail(StreamCode.BACKEND_TIMEOUT, true, new Error('no answer in time'));
    this.#reset(NGHTTP2_CANCEL);
    // Its other end may be gone without a word: whoever comes next shall not find out as slowly.
    this.#connection!.retire();
  }

  /** Once; `isStarted`: the request may have reached the backend. */
  fail(code: StreamCode, isStarted: boolean, error: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.handler.onFailure(code, isStarted, error);
  }

  // ---- from the stream

  #onInformational(raw: readonly string[]): void {
    const status = Number(raw[1]);
    if (status === 100) this.#upload.expectsContinue = false;
    if (!this.isOver) this.handler.onInformational(status, STATUS_CODES[status] ?? '', plainFields(raw));
  }

  #onResponse(status: number, raw: readonly string[]): void {
    const stream = this.#stream!;
    if (this.isOver) return;
    this.#hasHead = true;
    if (status < 200) {
      this.fail(StreamCode.BAD_HEAD, true, new Error('an informational head that ends the stream'));
      return this.#reset(NGHTTP2_PROTOCOL_ERROR);
    }
    this.#isRaw = this.isUpgrade && status < 300;
    if (this.#isRaw) this.handler.onAnswer(101, STATUS_CODES[101]!, switchedFields(this.request, plainFields(raw)));
    else this.handler.onAnswer(status, STATUS_CODES[status] ?? '', plainFields(raw));
    // From here on it flows: not before, for what it says may come before its head is told.
    stream.on('data', (chunk: Buffer) => this.#onData(chunk)).on('end', () => this.#onEnd());
    if (this.#isRaw) this.#upload.start(stream, -1);
  }

  #onData(chunk: Buffer): void {
    const isTaken = this.isOver || this.handler.onAnswerData(chunk);
    if (!isTaken) this.#stream!.pause();
  }

  #onEnd(): void {
    // A cut is told once the stream has closed.
    if (this.isOver || !this.#isWhole) return;
    this.isOver = true;
    this.#endedMs = performance.now();
    // Nobody reads the rest of the upload.
    if (!this.#isRaw && !this.#upload.hasEnded) this.#reset(NGHTTP2_CANCEL);
    this.handler.onAnswerEnd(this.#answerTrailers);
  }

  /** node:http2 throws where it will not send them: that is the end of this request, and of nothing else. */
  #sendTrailers(stream: ClientHttp2Stream): void {
    try {
      stream.sendTrailers(trailerObject(this.#upload.trailers));
    } catch (error) {
      this.fail(StreamCode.BAD_HEAD, true, error as Error);
      this.#reset(NGHTTP2_CANCEL);
    }
  }

  #onClose(stream: ClientHttp2Stream): void {
    const connection = this.#connection!;
    connection.calls.delete(this);
    const { rstCode } = stream;
    const error = this.#error ?? new Error(`the backend reset the stream (${rstCode})`);
    // Its answer is over, but what the visitor still sends has nowhere to go.
    if (this.isOver && this.#isRaw && !this.#upload.hasEnded) {
      this.handler.onFailure(StreamCode.BACKEND_RESET, true, error);
    } else if (rstCode === NGHTTP2_REFUSED_STREAM) this.fail(StreamCode.OVERLOADED, false, error);
    else if ((stream.id ?? Infinity) > connection.lastStreamId) this.fail(StreamCode.BACKEND_RESET, false, error);
    else if (rstCode === NGHTTP2_PROTOCOL_ERROR) this.fail(StreamCode.BAD_HEAD, true, error);
    else this.fail(StreamCode.BACKEND_RESET, true, error);
    connection.streamClosed();
  }

  /**
   * node:http2 ends the readable side by END_STREAM and by a reset with NO_ERROR alike. They differ in the moment alone: a
   * reset has closed the stream before.
   */
  #watchEnd(stream: ClientHttp2Stream): void {
    const push = stream.push.bind(stream);
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null && !stream.closed) this.#isWhole = true;
      return push(chunk, encoding);
    };
  }

  // ---- inside

  /** Null: it has failed. */
  #head({ scheme, allowsConnect }: Http2Connection): Http2Head | null {
    if (!this.isUpgrade) return requestHead(this.request, scheme);
    const fields = allowsConnect ? connectHead(this.request, scheme) : null;
    if (fields !== null) return { fields, contentLength: -1 };
    this.fail(StreamCode.NO_UPGRADE, false, new Error('the backend has no such upgrade over HTTP/2'));
    return null;
  }

  /** Null: it has failed. */
  #open({ session }: Http2Connection, { fields }: Http2Head): ClientHttp2Stream | null {
    const signal = this.#abort === null ? {} : { signal: this.#abort.signal };
    try {
      return session.request(fields, { endStream: this.#abort === null, waitForTrailers: this.isAlone, ...signal });
    } catch (error) {
      this.fail(StreamCode.BAD_HEAD, false, error as Error);
      return null;
    }
  }

  #breakOff(): void {
    this.fail(StreamCode.BAD_HEAD, true, new Error('the body is not as long as its Content-Length says'));
    this.#reset(NGHTTP2_CANCEL);
  }

  /** Once this turn is over: from within an event of its session node:http2 may lose the reset. */
  #reset(code: number): void {
    if (this.#isReset) return;
    this.#isReset = true;
    this.#upload.stop();
    setImmediate(() => {
      if (this.isAlone) this.#connection!.cut();
      // `close` would end the body before it resets the stream: a cut that looks like a whole request.
      else if (this.#abort !== null) this.#abort.abort();
      else this.#stream!.close(code);
    });
  }
}
