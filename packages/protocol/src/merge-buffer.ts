/** Bytes that wait, put together: many small chunks cost what they hold, not an object and a socket read each. */
const FIRST_BYTES = 256;
const NOTHING = Buffer.alloc(0);

export class MergeBuffer {
  #bytes: Buffer = NOTHING;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Copies `chunk`. Its limit is the caller's: credit, in every use. */
  add(chunk: Uint8Array): void {
    const end = this.#length + chunk.length;
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(FIRST_BYTES, 2 * this.#bytes.length, end));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = end;
  }

  /** All of it, without a copy; what is added later does not change it. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** All of it; the buffer is empty afterwards. */
  take(): Buffer {
    const bytes = this.view();
    this.#bytes = NOTHING;
    this.#length = 0;
    return bytes;
  }
}
