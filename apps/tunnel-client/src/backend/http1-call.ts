/** One request on its way, by our own codec. Its connection carries it; it knows what is still to be sent. */
import { performance } from 'node:perf_hooks';
import { Field, RequestWriter, writePieces } from '@sallyport/http1';
import { MergeBuffer, NO_FIELDS, StreamCode } from '@sallyport/protocol';
import type { Http1Connection } from './http1-connection.ts';
import type { BackendCall, BackendHandler, BackendRequest } from './transport.ts';

export class Http1Call implements BackendCall {
  readonly request: BackendRequest;
  readonly handler: BackendHandler;
  readonly isUpgrade: boolean;
  /** It must not go over a connection that was used before: that may be at its end, and an upgrade is for long. */
  readonly wantsFresh: boolean;
  /** Null until it has one, and when it is over. */
  connection: Http1Connection | null = null;
  /** When something was last sent, or nothing more was to be: what the time to the head counts from. */
  sentMs = 0;
  isOver = false;
  /** `Expect: 100-continue` went out, and neither a 100 came nor did the visitor send without it. */
  expectsContinue: boolean;
  /** Since when it waits for a connection, if it does. */
  waitingMs = 0;
  /** Called once, where it is cancelled while it waits for a connection. */
  onAbandoned: ((call: Http1Call) => void) | null = null;
  readonly #writer = new RequestWriter();
  /** '' once it is out. */
  #head: string;
  /** Body from before there was a connection, or before the 101. Its limit is the credit granted: a window. */
  readonly #early: MergeBuffer | null;
  #hasEnded: boolean;
  #trailers: readonly string[] = NO_FIELDS;
  #isEndSent = false;
  /** Sent and not reported yet, because the connection is full. */
  #untakenBytes = 0;

  /** `isOnItsOwn`: its connection is for it alone. */
  constructor(request: BackendRequest, handler: BackendHandler, isOnItsOwn: boolean) {
    const { method, target, fields, hasBody } = request;
    this.request = request;
    this.handler = handler;
    this.#early = hasBody ? new MergeBuffer() : null;
    this.#hasEnded = !hasBody;
    this.#head = this.#writer.head(method, target, fields, hasBody) ?? '';
    const { seen } = this.#writer;
    this.isUpgrade = (seen & Field.UPGRADE) !== 0;
    this.wantsFresh = this.isUpgrade || request.isRetry || isOnItsOwn;
    this.expectsContinue = hasBody && (seen & Field.EXPECT) !== 0;
  }

  /** HTTP allows its head. */
  get isSendable(): boolean {
    return this.#head !== '';
  }

  /** All of the request is out: the connection may carry another. */
  get isSent(): boolean {
    return this.#isEndSent;
  }

  // ---- from the visitor's side

  write(chunk: Buffer): void {
    if (this.isOver && !this.#isRaw) return;
    if (this.#canSend) this.#sendBody(chunk);
    else this.#early?.add(chunk);
  }

  end(trailers: readonly string[]): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#trailers = trailers;
    if (this.#canSend) this.#sendEnd();
  }

  resume(): void {
    this.connection?.resume();
  }

  cancel(): void {
    if (this.isOver) {
      if (this.#isRaw) this.connection?.destroy();
      return;
    }
    const { connection } = this;
    this.fail(StreamCode.CANCELLED, connection?.isReady === true, new Error('cancelled'));
    if (connection === null) this.onAbandoned?.(this);
    else connection.destroy();
  }

  // ---- from the connection

  /** The connection is there: the request goes out, with what there is of its body. */
  begin(nowMs: number): void {
    this.sentMs = nowMs;
    const early = this.#early;
    if (early === null || this.isUpgrade) {
      this.#sendHead();
      // What an upgrade sends comes behind its 101.
      this.#isEndSent = !this.isUpgrade;
      return;
    }
    if (early.length > 0) this.#sendBody(early.take());
    if (this.#hasEnded) this.#sendEnd();
    // The first bytes of the body go with it, where they come in this turn; they may wait for what is said to the head.
    else if (this.#head !== '') process.nextTick(sendHead, this);
  }

  /** Behind the 101: what came so far goes out as it is. */
  beginRaw(): void {
    if (this.#early !== null && this.#early.length > 0) this.#sendBody(this.#early.take());
    if (this.#hasEnded) this.#sendEnd();
  }

  /** The connection has room again. */
  drained(): void {
    const bytes = this.#untakenBytes;
    this.#untakenBytes = 0;
    if (bytes > 0) this.handler.onBodyTaken(bytes);
  }

  sendHead(): void {
    if (this.#canSend && this.#head !== '') this.#sendHead();
  }

  /** Once; `isStarted`: the request may have reached the backend. */
  fail(code: StreamCode, isStarted: boolean, error: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.handler.onFailure(code, isStarted, error);
  }

  // ---- inside

  get #isRaw(): boolean {
    return this.connection?.isRaw === true;
  }

  get #canSend(): boolean {
    return this.connection !== null && this.connection.isReady && (!this.isUpgrade || this.#isRaw);
  }

  #sendHead(): void {
    const { socket } = this.connection!;
    const head = this.#head;
    this.#head = '';
    socket.write(head, 'latin1');
  }

  #sendBody(chunk: Buffer): void {
    const { socket } = this.connection!;
    this.expectsContinue = false;
    const before = this.#isRaw ? '' : this.#writer.before(chunk.length);
    // More than its Content-Length would be read as the next request.
    if (before === null) return this.#breakOff();
    const head = this.#head;
    this.#head = '';
    const after = this.#isRaw ? '' : this.#writer.after;
    const hasRoom = writePieces(socket, head + before, chunk, after);
    this.#untakenBytes += chunk.length;
    if (hasRoom) this.drained();
    this.sentMs = performance.now();
  }

  #sendEnd(): void {
    const connection = this.connection!;
    this.#isEndSent = true;
    if (this.#isRaw) {
      connection.endRaw();
      return;
    }
    this.expectsContinue = false;
    const end = this.#writer.end(this.#trailers);
    if (end === null) return this.#breakOff();
    const text = this.#head + end;
    this.#head = '';
    if (text !== '') connection.socket.write(text, 'latin1');
    this.sentMs = performance.now();
  }

  #breakOff(): void {
    const { connection } = this;
    this.fail(StreamCode.BAD_HEAD, true, new Error('the body is not as long as its Content-Length says'));
    connection?.destroy();
  }
}

function sendHead(call: Http1Call): void {
  call.sendHead();
}
