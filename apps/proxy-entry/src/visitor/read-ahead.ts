/** What a visitor sent behind a request that is still being answered. Reading goes on up to a limit, so that a close is seen. */

const MAX_BYTES = 65_536;
/** Of a byte each they would cost more than their bytes. */
const MAX_READS = 64;

export class ReadAhead {
  /** In order; its limits are MAX_BYTES and MAX_READS, give or take the last read. */
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** False: no more is to be read until this was taken. */
  keep(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    return this.#bytes < MAX_BYTES && this.#chunks.length < MAX_READS;
  }

  /** All of it, as one piece. */
  take(): Buffer {
    const chunks = this.#chunks.splice(0);
    this.#bytes = 0;
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }
}
