/** One answer after another on a connection, by our own codec, each given to the call that it is for. No sockets. */
import { DEFAULT_LIMITS, Phase, ResponseReader } from '@sallyport/http1';
import type { Fault, MessageHandler } from '@sallyport/http1';
import { StreamCode } from '@sallyport/protocol';
import type { Http1Call } from './http1-call.ts';

/** The connection that the answers come on. */
export interface AnswerOwner {
  /** The call has no room for more. */
  onFull(): void;
  /** What came is no answer to this call. */
  onBad(code: StreamCode, error: Error): void;
}

export class AnswerReader implements MessageHandler {
  /** Of the answer that is being read. */
  hasHead = false;
  /** The backend switched protocols: the rest is not HTTP. */
  isRaw = false;
  readonly #reader: ResponseReader;
  readonly #owner: AnswerOwner;
  #call: Http1Call | null = null;
  /** The head is read, and the call was not told. */
  #isHeadDue = false;

  constructor(headBytes: number, owner: AnswerOwner) {
    this.#reader = new ResponseReader({ ...DEFAULT_LIMITS, headBytes, startLineBytes: headBytes }, this);
    this.#owner = owner;
  }

  get phase(): Phase {
    return this.#reader.phase;
  }

  /** Why it is FAILED. */
  get fault(): Fault | null {
    return this.#reader.fault;
  }

  get trailers(): readonly string[] {
    return this.#reader.trailers;
  }

  /** Of an answer that is over: whether the connection may carry another. */
  get keepsAlive(): boolean {
    return this.#reader.keepsAlive;
  }

  /** What the backend says of that, in seconds; negative: nothing. */
  get keepAliveSeconds(): number {
    return this.#reader.facts.keepAliveSeconds;
  }

  /** The next answer is to `call`. */
  expect(call: Http1Call): void {
    this.#call = call;
    this.hasHead = false;
    this.#isHeadDue = false;
    this.#reader.expect(call.request.method);
  }

  /** Answers how many bytes were read: up to the end of the answer, or all. */
  read(buffer: Buffer, bytes: number): number {
    const at = this.#reader.read(buffer, 0, bytes);
    if (!this.#isHeadDue) return at;
    // The end of a connection that came with its last bytes is read in the turn behind theirs. So a head that comes without
    // any of its body waits for one turn, and where the end is there by then the two go on together: the entry has not sent
    // the head yet, takes it back, and answers with a 502. An end that comes later cuts an answer that has begun. Both are
    // right; which it is depends on when the end is read.
    if (this.phase === Phase.BODY || this.phase === Phase.TRAILERS) setImmediate(this.giveHead);
    else this.giveHead();
    return at;
  }

  /** The connection has ended. */
  finish(): void {
    this.#reader.finish();
    this.giveHead();
  }

  stop(): void {
    this.#isHeadDue = false;
    this.#reader.stop();
  }

  /** Tells the call of a head that it was not told of. */
  readonly giveHead = (): void => {
    const call = this.#call;
    if (!this.#isHeadDue || call === null) return;
    this.#isHeadDue = false;
    const { status, reason, fields } = this.#reader;
    if (!call.isOver) call.handler.onAnswer(status, reason, fields);
  };

  // ---- from the reader

  onHead(): void {
    const { status, reason, fields } = this.#reader;
    const call = this.#call!;
    if (status < 200 && status !== 101) {
      if (status === 100) call.expectsContinue = false;
      call.handler.onInformational(status, reason, fields);
      return;
    }
    this.hasHead = true;
    // RFC 9110 §15.2.2.
    if (status === 101 && !call.isUpgrade) {
      return this.#owner.onBad(StreamCode.BAD_HEAD, new Error('a 101 that nobody asked for'));
    }
    this.isRaw = status === 101;
    this.#isHeadDue = true;
    if (this.isRaw) this.giveHead();
  }

  onBody(chunk: Buffer): void {
    const call = this.#call!;
    this.giveHead();
    // A copy: the next read goes to where this one is.
    if (!call.isOver && !call.handler.onAnswerData(Buffer.from(chunk))) this.#owner.onFull();
  }
}
