/** A request body on its way to the backend, at the backend's pace: what was read from it is reported as taken. */
import { Readable } from 'node:stream';
import { MergeBuffer } from '@sallyport/protocol';

const HIGH_WATER_BYTES = 16_384;

export class RequestBody extends Readable {
  readonly #onTaken: (bytes: number) => void;
  /** What came while the backend was not reading, put together. Its limit is the credit granted: a window. */
  readonly #backlog = new MergeBuffer();
  /** Given to the stream since it last asked. */
  #givenBytes = 0;
  #isWanted = false;
  #isFinished = false;

  constructor(onTaken: (bytes: number) => void) {
    super({ highWaterMark: HIGH_WATER_BYTES });
    this.#onTaken = onTaken;
    // Whoever destroys it says why elsewhere.
    this.on('error', () => {});
  }

  add(chunk: Buffer): void {
    if (this.#isWanted) this.#give(chunk);
    else this.#backlog.add(chunk);
  }

  finish(): void {
    this.#isFinished = true;
    if (this.#backlog.length === 0) this.#end();
  }

  override _read(): void {
    this.#isWanted = true;
    this.#reportTaken();
    if (this.#backlog.length === 0) return;
    this.#give(this.#backlog.take());
    if (this.#isFinished) this.#end();
  }

  /** Nothing follows, so nothing is held back by what the backend has not read yet. */
  #end(): void {
    this.push(null);
    this.#reportTaken();
  }

  #reportTaken(): void {
    const bytes = this.#givenBytes;
    this.#givenBytes = 0;
    if (bytes > 0) this.#onTaken(bytes);
  }

  #give(chunk: Buffer): void {
    this.#givenBytes += chunk.length;
    this.#isWanted = this.push(chunk);
  }
}
