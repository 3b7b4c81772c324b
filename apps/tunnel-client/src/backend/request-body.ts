/** A request body on its way to the backend, at the backend's pace: what was read from it is reported as taken. */
import { Readable } from 'node:stream';

const HIGH_WATER_BYTES = 16_384;

export class RequestBody extends Readable {
  readonly #onTaken: (bytes: number) => void;
  #untakenBytes = 0;

  constructor(onTaken: (bytes: number) => void) {
    super({ highWaterMark: HIGH_WATER_BYTES });
    this.#onTaken = onTaken;
    // Whoever destroys it says why elsewhere.
    this.on('error', () => {});
  }

  /** Its limit is the credit that was granted: a window. */
  add(chunk: Buffer): void {
    this.#untakenBytes += chunk.length;
    this.push(chunk);
  }

  finish(): void {
    this.push(null);
  }

  override _read(): void {
    const bytes = this.#untakenBytes;
    if (bytes === 0) return;
    this.#untakenBytes = 0;
    this.#onTaken(bytes);
  }
}
