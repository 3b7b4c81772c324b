/**
 * One request over HTTP/2, on a stream of its own (RFC 9113 §8):
 *
 *   waiting ──begin──▶ sent ──1xx*──▶ sent ──head──▶ answering ──END_STREAM──▶ over      a 2xx to CONNECT ──▶ raw
 */
import { STATUS_CODES } from 'node:http';
import { constants } from 'node:http2';
import type { ClientHttp2Stream } from 'node:http2';
import { performance } from 'node:perf_hooks';
import { MergeBuffer, NO_FIELDS, StreamCode } from '@sallyport/protocol';
import type { Http2Connection } from './http2-connection.ts';
import { asksFor, connectHead, plainFields, requestHead, switchedFields, trailerObject } from './http2-fields.ts';
import type { BackendCall, BackendHandler, BackendRequest } from './transport.ts';

const { NGHTTP2_CANCEL, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM } = constants;
/** A backend that has ended its side of an upgraded stream need not listen for ever to the other. */
const HALF_OPEN_MS = 60_000;
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
  /** Body from before there was a stream, or before the 101. Its limit is the credit granted: a window. */
  readonly #early = new MergeBuffer();
  #hasEnded: boolean;
  #trailers: readonly string[] = NO_FIELDS;
  /** What Content-Length still allows. */
  #left = Infinity;
  /** Written and not reported yet, because the stream is full. */
  #untakenBytes = 0;
  #expectsContinue: boolean;
  #hasHead = false;
  #isRaw = false;
  /** END_STREAM came: its end is no cut. */
  #isWhole = false;
  #isReset = false;
  /** Of a request with a body. */
  readonly #abort: AbortController | null;
  #answerTrailers: readonly string[] = NO_FIELDS;
  #error: Error | null = null;
  #sentMs = 0;
  #endedMs = 0;

  constructor(request: BackendRequest, handler: BackendHandler) {
    this.request = request;
    this.handler = handler;
    this.isUpgrade = asksFor(request, 'upgrade');
    this.isAlone =
      request.hasBody && !this.isUpgrade && asksFor(request, 'trailer') && !asksFor(request, 'content-length');
    this.#abort = request.hasBody || this.isUpgrade ? new AbortController() : null;
    this.#hasEnded = !request.hasBody && !this.isUpgrade;
    this.#expectsContinue = request.hasBody && asksFor(request, 'expect');
  }

  // ---- from the visitor's side

  write(chunk: Buffer): void {
    if (this.isOver && !this.#isRaw) return;
    if (this.#canSend) this.#sendBody(chunk);
    else this.#early.add(chunk);
  }

  end(trailers: readonly string[]): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#trailers = trailers;
    if (this.#canSend) this.#sendEnd();
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
    const stream = this.#open(connection);
    if (stream === null) return;
    this.#connection = connection;
    this.#stream = stream;
    this.#sentMs = performance.now();
    connection.calls.add(this);
    this.#watchEnd(stream);
    stream
      .on('headers', (_headers, _flags, raw) => this.#onInformational(raw))
      .on('response', (headers, _flags, raw) => this.#onResponse(headers[':status'] ?? 0, raw))
      .on('trailers', (_headers, _flags, raw) => (this.#answerTrailers = plainFields(raw)))
      .on('wantTrailers', () => stream.sendTrailers(trailerObject(this.#trailers)))
      .on('drain', () => this.#taken())
      .on('error', (error: Error) => (this.#error = error))
      .once('close', () => this.#onClose(stream));
    // What an upgrade sends comes behind its 101.
    if (!this.isUpgrade && this.request.hasBody) this.#sendEarly();
  }

  /** Called now and then: no answer in time. */
  check(nowMs: number, headTimeoutMs: number): void {
    if (this.#endedMs > 0 && nowMs - this.#endedMs > (this.#isRaw ? HALF_OPEN_MS : UNREAD_MS)) {
      return this.#reset(NGHTTP2_CANCEL);
    }
    if (this.#hasHead || this.isOver || nowMs - this.#sentMs < headTimeoutMs) return;
    // While the visitor is sending, and the backend taking, nobody keeps us waiting.
    const isWaiting = this.#hasEnded || this.isUpgrade || this.#expectsContinue;
    if (!isWaiting && this.#stream?.writableNeedDrain !== true) return;
    this.fail(StreamCode.BACKEND_TIMEOUT, true, new Error('no answer in time'));
    this.#reset(NGHTTP2_CANCEL);
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
    if (status === 100) this.#expectsContinue = false;
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
    if (this.#isRaw) this.#sendEarly();
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
    if (!this.#isRaw && !this.#hasEnded) this.#reset(NGHTTP2_CANCEL);
    this.handler.onAnswerEnd(this.#answerTrailers);
  }

  #onClose(stream: ClientHttp2Stream): void {
    const connection = this.#connection!;
    connection.calls.delete(this);
    const { rstCode } = stream;
    const error = this.#error ?? new Error(`the backend reset the stream (${rstCode})`);
    // Its answer is over, but what the visitor still sends has nowhere to go.
    if (this.isOver && this.#isRaw && !this.#hasEnded) {
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

  get #canSend(): boolean {
    return this.#stream !== null && !this.#isReset && !this.#stream.closed && (!this.isUpgrade || this.#isRaw);
  }

  /** Null: it has failed. */
  #open({ session, scheme, allowsConnect }: Http2Connection): ClientHttp2Stream | null {
    const { request } = this;
    try {
      if (this.isUpgrade) {
        const fields = allowsConnect ? connectHead(request, scheme) : null;
        if (fields !== null) return session.request(fields, { endStream: false, ...this.#signal });
        this.fail(StreamCode.NO_UPGRADE, false, new Error('the backend has no such upgrade over HTTP/2'));
        return null;
      }
      const { fields, contentLength } = requestHead(request, scheme);
      this.#left = contentLength < 0 ? Infinity : contentLength;
      return session.request(fields, {
        endStream: !request.hasBody,
        waitForTrailers: this.isAlone,
        ...this.#signal,
      });
    } catch (error) {
      this.fail(StreamCode.BAD_HEAD, false, error as Error);
      return null;
    }
  }

  #sendEarly(): void {
    if (this.#early.length > 0) this.#sendBody(this.#early.take());
    if (this.#hasEnded && this.#canSend) this.#sendEnd();
  }

  #sendBody(chunk: Buffer): void {
    this.#expectsContinue = false;
    this.#left -= chunk.length;
    if (this.#left < 0) return this.#breakOff();
    this.#untakenBytes += chunk.length;
    if (this.#stream!.write(chunk)) this.#taken();
    this.#sentMs = performance.now();
  }

  #sendEnd(): void {
    this.#expectsContinue = false;
    if (this.#left > 0 && this.#left !== Infinity) return this.#breakOff();
    this.#stream!.end();
    this.#sentMs = performance.now();
  }

  #taken(): void {
    const bytes = this.#untakenBytes;
    this.#untakenBytes = 0;
    if (bytes > 0) this.handler.onBodyTaken(bytes);
  }

  #breakOff(): void {
    this.fail(StreamCode.BAD_HEAD, true, new Error('the body is not as long as its Content-Length says'));
    this.#reset(NGHTTP2_CANCEL);
  }

  get #signal(): { signal?: AbortSignal } {
    return this.#abort === null ? {} : { signal: this.#abort.signal };
  }

  /** Once this turn is over: from within an event of its session node:http2 may lose the reset. */
  #reset(code: number): void {
    if (this.#isReset) return;
    this.#isReset = true;
    setImmediate(() => {
      if (this.isAlone) this.#connection!.cut();
      // `close` would end the body before it resets the stream: a cut that looks like a whole request.
      else if (this.#abort !== null) this.#abort.abort();
      else this.#stream!.close(code);
    });
  }
}
