/**
 * The answer to a request over HTTP/2, as it goes onto its stream. node:http2 throws where it will not send what it is
 * given: that cuts the stream, and must reach nobody else.
 */
import type { ServerHttp2Stream, ServerStreamResponseOptions } from 'node:http2';
import { webSocketAccept } from '@sallyport/protocol';
import { answerFields, fieldsObject } from './http2-answer.ts';
import { awaitDrain, awaitTrailers } from './http2-events.ts';

/** A first piece up to this size waits for the end of the turn where trailers may follow: it may be all. */
const HELD_BYTES = 16_384;
const ENDS: ServerStreamResponseOptions = { endStream: true };
const TRAILS: ServerStreamResponseOptions = { waitForTrailers: true };
const PLAIN: ServerStreamResponseOptions = {};
const CUT = new Error('the answer was cut');

export class Http2Reply {
  isHeadGiven = false;
  /** All of it was given to the stream. */
  isEnded = false;
  /** We reset the stream. */
  isCut = false;
  /** Behind the 200 of an extended CONNECT: bytes both ways. */
  isRaw = false;
  /** Node is to ask for trailers. */
  trails = false;
  /** Of the body. */
  givenBytes = 0;
  readonly #stream: ServerHttp2Stream;
  /** The head, and perhaps a first small piece of the body, until the end of the turn. */
  #head: string[] | null = null;
  #held: Buffer | null = null;
  #isBodiless = false;
  #mayTrail = false;
  #isFull = false;
  #trailers: readonly string[] = [];

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  informational(status: number, fields: readonly string[]): void {
    if (this.isHeadGiven || this.#stream.closed) return;
    try {
      this.#stream.additionalHeaders(fieldsObject(fields, status));
    } catch {
      this.cut();
    }
  }

  head(status: number, fields: readonly string[], isToHead: boolean): void {
    const { list, mayTrail } = answerFields(status, fields);
    this.isHeadGiven = true;
    this.#head = list;
    this.#mayTrail = mayTrail;
    this.#isBodiless = isToHead || status === 204 || status === 205 || status === 304;
    process.nextTick(release, this);
  }

  /** RFC 8441 §5: 200 instead of 101, and no proof, which is checked here for the visitor (RFC 6455 §4.1). */
  switchToWebSocket(fields: readonly string[], key: string): void {
    const { list, accept } = answerFields(200, fields);
    this.isHeadGiven = true;
    if (accept !== webSocketAccept(key)) return this.cut();
    this.isRaw = true;
    this.#head = list;
    this.#respond(false);
  }

  /** False: wait for `drained`. */
  write(chunk: Buffer): boolean {
    if (this.#isBodiless) return true;
    if (this.#head !== null) {
      if (this.#mayTrail && this.#held === null && chunk.length <= HELD_BYTES) {
        this.#held = chunk;
        return true;
      }
      this.release();
    }
    return this.#give(chunk);
  }

  end(trailers: readonly string[]): void {
    if (this.isEnded) return;
    this.isEnded = true;
    const held = this.#held;
    this.#held = null;
    if (this.#head !== null) {
      this.#mayTrail = trailers.length > 0;
      if (!this.#respond(this.#isBodiless || (held === null && !this.#mayTrail))) return;
    }
    this.#trailers = trailers;
    if (held === null) this.#stream.end();
    else this.#stream.end(held);
  }

  /** True: nothing of it is with nghttp2 yet, and it is as if its head had not been given. */
  takeBack(): boolean {
    if (this.#head === null || this.isEnded) return false;
    this.forget();
    this.isHeadGiven = false;
    return true;
  }

  cut(): void {
    this.isCut = true;
    this.forget();
    // Not `close(code)`: that would end what was written before as if it were whole.
    this.#stream.destroy(CUT);
  }

  /** Nothing more goes out. */
  forget(): void {
    this.#head = null;
    this.#held = null;
  }

  /** The turn is over: what is there goes out. */
  release(): void {
    if (this.#head === null) return;
    const held = this.#held;
    this.#held = null;
    if (this.#respond(this.#isBodiless) && held !== null) this.#give(held);
  }

  /** True where `write` had said to wait for it. */
  drained(): boolean {
    const wasFull = this.#isFull;
    this.#isFull = false;
    return wasFull;
  }

  /** Node asks for them; it sends them in a later turn. */
  sendTrailers(): void {
    try {
      this.#stream.sendTrailers(fieldsObject(this.#trailers, 0));
    } catch {
      // Not from within nghttp2's own sending.
      setImmediate(cut, this);
    }
  }

  /** False where no answer of HTTP/2 can be made of it: then it is cut. */
  #respond(ends: boolean): boolean {
    const head = this.#head!;
    this.#head = null;
    this.isEnded ||= ends;
    this.trails = this.#mayTrail && !ends;
    try {
      if (this.trails) awaitTrailers(this.#stream);
      this.#stream.respond(head, ends ? ENDS : this.trails ? TRAILS : PLAIN);
      return true;
    } catch {
      this.cut();
      return false;
    }
  }

  #give(chunk: Buffer): boolean {
    this.givenBytes += chunk.length;
    const hasRoom = this.#stream.write(chunk);
    if (!hasRoom && !this.#isFull) {
      this.#isFull = true;
      awaitDrain(this.#stream);
    }
    return hasRoom;
  }
}

function cut(reply: Http2Reply): void {
  reply.cut();
}

function release(reply: Http2Reply): void {
  reply.release();
}
