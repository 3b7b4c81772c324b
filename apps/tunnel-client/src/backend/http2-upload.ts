/** The body of one request on its way to its stream. */
import type { ClientHttp2Stream } from 'node:http2';
import { performance } from 'node:perf_hooks';
import { MergeBuffer, NO_FIELDS } from '@sallyport/protocol';

export class Http2Upload {
  /** All of it came from the visitor. */
  hasEnded: boolean;
  /** `Expect: 100-continue` went out, and neither a 100 came nor did the visitor send without it. */
  expectsContinue: boolean;
  /** When something was last sent. */
  sentMs = 0;
  trailers: readonly string[] = NO_FIELDS;
  /** Null: it is held for now, or for ever. */
  #stream: ClientHttp2Stream | null = null;
  /** What came while it is held. Its limit is the credit granted: a window. */
  readonly #early = new MergeBuffer();
  /** What Content-Length still allows. */
  #left = Infinity;
  /** Written and not reported yet, because the stream is full. */
  #untakenBytes = 0;
  readonly #onTaken: (bytes: number) => void;

  constructor(hasBody: boolean, expectsContinue: boolean, onTaken: (bytes: number) => void) {
    this.hasEnded = !hasBody;
    this.expectsContinue = hasBody && expectsContinue;
    this.#onTaken = onTaken;
  }

  /** The stream is full: who sends keeps nobody waiting. */
  get isHeldUp(): boolean {
    return this.#stream?.writableNeedDrain === true;
  }

  /** False where the body is not as long as `contentLength` says; −1: it does not say. */
  start(stream: ClientHttp2Stream, contentLength: number): boolean {
    this.#stream = stream;
    if (contentLength >= 0) this.#left = contentLength;
    stream.on('drain', () => this.#taken());
    const isSound = this.#early.length === 0 || this.#send(stream, this.#early.take());
    return isSound && (!this.hasEnded || this.#sendEnd(stream));
  }

  /** Nothing more goes out. */
  stop(): void {
    this.#stream = null;
  }

  /** False where it is longer than it said. */
  write(chunk: Buffer): boolean {
    if (this.#stream !== null && !this.#stream.closed) return this.#send(this.#stream, chunk);
    this.#early.add(chunk);
    return true;
  }

  /** False where it is shorter than it said. */
  end(trailers: readonly string[]): boolean {
    if (this.hasEnded) return true;
    this.hasEnded = true;
    this.trailers = trailers;
    return this.#stream === null || this.#stream.closed || this.#sendEnd(this.#stream);
  }

  #send(stream: ClientHttp2Stream, chunk: Buffer): boolean {
    this.expectsContinue = false;
    this.#left -= chunk.length;
    if (this.#left < 0) return false;
    this.#untakenBytes += chunk.length;
    if (stream.write(chunk)) this.#taken();
    this.sentMs = performance.now();
    return true;
  }

  #sendEnd(stream: ClientHttp2Stream): boolean {
    this.expectsContinue = false;
    if (this.#left > 0 && this.#left !== Infinity) return false;
    stream.end();
    this.sentMs = performance.now();
    return true;
  }

  #taken(): void {
    const bytes = this.#untakenBytes;
    this.#untakenBytes = 0;
    if (bytes > 0) this.#onTaken(bytes);
  }
}
