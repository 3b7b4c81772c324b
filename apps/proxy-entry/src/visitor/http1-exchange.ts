/** One request and its answer by our own codec. One object is both: what was asked, and what it is answered by. */
import { Framing, writePieces } from '@sallyport/http1';
import { isEventStream } from '@sallyport/protocol';
import { valuesOf } from '../fields/values.ts';
import type { VisitorConnection } from './http1-connection.ts';
import type { Peer, Refusal, VisitorExchange, VisitorListener, VisitorRequest } from './transport.ts';

/** A body up to this size that comes in the same turn as its head goes out with it, as one string in one write. */
const JOINED_BODY_BYTES = 4_096;
const CONTINUE = 100;
/** Every answer begins so, a 1xx as well, and to HTTP/1.0. */
const BEGINNING = 'HTTP/1.1 ';

export class Http1Exchange implements VisitorExchange, VisitorRequest {
  readonly request: VisitorRequest = this;
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  readonly fields: readonly string[];
  readonly peer: Peer;
  readonly isUpgrade: boolean;
  readonly hasBody: boolean;
  readonly arrivedMs: number;
  listener: VisitorListener | null = null;
  /** Behind the 101: bytes both ways. */
  isRaw = false;
  /** All of the answer was given to the socket. */
  isEnded = false;
  isHeadGiven = false;
  readonly #connection: VisitorConnection;
  #isOver = false;
  #isBodyStarted = false;
  /** The visitor sends nothing of its body before a 100 comes, or before it is tired of waiting (RFC 9110 §10.1.1). */
  #isWaitedFor: boolean;
  /** What came of the body before it was wanted: at most one read of the socket. */
  readonly #early: Buffer[] = [];
  /** The trailers, where the body ended before it was wanted. */
  #earlyTrailers: readonly string[] | null = null;
  /** The head, and what goes before the first bytes of the body, held to the end of the turn: these may be all. */
  #text = '';
  #held: Buffer | null = null;
  #isHolding = false;
  #isFull = false;
  #answerFields: readonly string[] = [];
  /** The beginning of the next head is out. */
  #hasBegun = false;

  constructor(connection: VisitorConnection, isUpgrade: boolean, nowMs: number) {
    const { reader } = connection;
    this.#connection = connection;
    this.method = reader.method;
    this.target = reader.target;
    this.httpVersion = reader.minor === 1 ? '1.1' : '1.0';
    this.fields = reader.fields;
    this.peer = connection.peer;
    this.isUpgrade = isUpgrade;
    this.hasBody = isUpgrade || reader.framing === Framing.CHUNKED || reader.facts.contentLength > 0;
    this.arrivedMs = nowMs;
    this.#isWaitedFor = reader.minor === 1 && reader.facts.expect !== '';
  }

  /** Whether it is the visitor's turn: of its body more is wanted, and nothing was answered yet. */
  get isBodyAwaited(): boolean {
    return this.#isBodyStarted && !this.#isWaitedFor && !this.isHeadGiven && !this.isUpgrade;
  }

  // ---- from the entry

  startBody(): void {
    this.#isBodyStarted = true;
    // Before what was kept goes on: that may say at once that it is too much.
    this.#connection.resume();
    for (const chunk of this.#early.splice(0)) this.listener?.onBody(chunk);
    const trailers = this.#earlyTrailers;
    this.#earlyTrailers = null;
    if (trailers !== null) this.listener?.onBodyEnd(trailers);
  }

  pauseBody(): void {
    if (!this.#isOver) this.#connection.pause();
  }

  resumeBody(): void {
    if (!this.#isOver) this.#connection.resume();
  }

  informational(status: number, reason: string, fields: readonly string[]): void {
    if (this.#isOver || this.isHeadGiven || this.httpVersion === '1.0') return;
    if (status === CONTINUE) this.#isWaitedFor = false;
    const text = this.#connection.writer.informational(status, reason, fields);
    if (text === null) return;
    this.#connection.socket.write(this.#rest(text), 'latin1');
    this.#hasBegun = false;
  }

  head(status: number, reason: string, fields: readonly string[], closes: boolean): void {
    if (this.#isOver) return;
    this.isHeadGiven = true;
    this.#answerFields = fields;
    if (status === 101) return this.#switch(reason, fields);
    const { writer, reader } = this.#connection;
    const text = writer.head(status, reason, fields, {
      isToHead: this.method === 'HEAD',
      minor: reader.minor,
      keepsAlive: !closes && !this.isUpgrade && this.#connection.mayStay,
    });
    if (text === null) return this.cut();
    this.#text = this.#rest(text);
    this.#isHolding = true;
    process.nextTick(release, this);
  }

  write(chunk: Buffer): boolean {
    if (this.#isOver) return true;
    const { writer, socket } = this.#connection;
    if (this.isRaw) return this.#wrote(socket.write(chunk));
    const before = writer.before(chunk.length);
    if (before === null) {
      // More than was said would be read as the next answer; where there is no body nobody waits for one.
      if (writer.framing !== Framing.NONE) this.cut();
      return true;
    }
    if (this.#held !== null) this.release();
    const text = this.#text + before;
    if (this.#isHolding && chunk.length <= JOINED_BODY_BYTES) {
      this.#text = text;
      this.#held = chunk;
      return true;
    }
    this.#isHolding = false;
    this.#text = '';
    return this.#wrote(writePieces(socket, text, chunk, writer.after));
  }

  end(trailers: readonly string[]): void {
    if (this.#isOver || this.isEnded) return;
    const { writer, socket, onFlushed } = this.#connection;
    if (this.isRaw) {
      this.isEnded = true;
      socket.end();
      return;
    }
    const end = writer.end(trailers);
    if (end === null) return this.cut();
    this.isEnded = true;
    const text = this.#text;
    const held = this.#held;
    const after = held === null ? end : writer.after + end;
    this.#forget();
    writePieces(socket, text, held, after, onFlushed);
  }

  takeBack(): boolean {
    // Raw, or ended, or released: then nothing is held any more.
    if (!this.#isHolding) return false;
    this.#forget();
    this.isHeadGiven = false;
    return true;
  }

  cut(): void {
    if (this.#isOver) return;
    this.#forget();
    // A reset where the end of the connection would be the end of the body, or of what is spoken behind a 101.
    const looksWhole = this.httpVersion === '1.0' || (this.isRaw && !this.isEnded);
    if (looksWhole) this.#connection.reset();
    else this.#connection.socket.destroy();
  }

  /** The turn is over: what is there goes out. */
  release(): void {
    if (!this.#isHolding || this.#isOver) return;
    const { writer, socket } = this.#connection;
    const text = this.#text;
    const held = this.#held;
    this.#forget();
    if (!writePieces(socket, text, held, held === null ? '' : writer.after)) this.#isFull = true;
  }

  // ---- from the connection

  /**
   * Whether who sends nothing more may want the answer: not before an upgrade, where it has more to say, nor of a stream
   * of events, which has no end to wait for.
   */
  get mayOnlyBeRead(): boolean {
    if (!this.isHeadGiven) return !this.isUpgrade;
    return !valuesOf(this.#answerFields, 'content-type').some(isEventStream);
  }

  /** Says ahead what every answer begins with: to a visitor that has closed all of its connection it is an error. */
  begin(): void {
    if (this.isHeadGiven || this.#hasBegun) return;
    this.#hasBegun = true;
    this.#connection.socket.write(BEGINNING, 'latin1');
  }

  /** A piece of the body, or raw bytes. */
  body(chunk: Buffer): void {
    this.#isWaitedFor = false;
    if (this.#isBodyStarted) {
      this.listener?.onBody(chunk);
      return;
    }
    this.#early.push(chunk);
    this.#connection.pause();
  }

  bodyEnd(trailers: readonly string[]): void {
    if (this.#isBodyStarted) this.listener?.onBodyEnd(trailers);
    else this.#earlyTrailers = trailers;
  }

  /** What came behind the head is no body, or came too slowly. */
  refused(refusal: Refusal): void {
    if (!this.isEnded) this.listener?.onRefused(refusal);
  }

  drained(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.listener?.onDrained();
  }

  /** Once, last. */
  finish(isComplete: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forget();
    this.listener?.onFinished(isComplete);
  }

  // ---- inside

  #switch(reason: string, fields: readonly string[]): void {
    const text = this.#connection.writer.informational(101, reason, fields);
    if (text === null || !this.isUpgrade) return this.cut();
    this.isRaw = true;
    this.#connection.socket.write(text, 'latin1');
  }

  /** Of a head, what is still to be said. */
  #rest(head: string): string {
    return this.#hasBegun ? head.slice(BEGINNING.length) : head;
  }

  #wrote(hasRoom: boolean): boolean {
    if (!hasRoom) this.#isFull = true;
    return hasRoom;
  }

  #forget(): void {
    this.#isHolding = false;
    this.#text = '';
    this.#held = null;
  }
}

function release(exchange: Http1Exchange): void {
  exchange.release();
}
