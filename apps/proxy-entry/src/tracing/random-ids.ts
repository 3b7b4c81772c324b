/** Ids of traces and spans: random, so that they meet no others, and drawn many at a time, which makes them cheap. */
import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 8_192;
export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;

export class RandomIds {
  readonly #pool = Buffer.alloc(POOL_BYTES);
  #at = POOL_BYTES;

  /** So many bytes as lower-case hexadecimal. */
  next(bytes: number): string {
    if (this.#at + bytes > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#at = 0;
    }
    this.#at += bytes;
    return this.#pool.toString('hex', this.#at - bytes, this.#at);
  }
}
