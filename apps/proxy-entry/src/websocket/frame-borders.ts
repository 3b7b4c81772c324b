/** Where WebSocket frames begin and end (RFC 6455 §5.2), in bytes that come in any tear. Pure; keeps no bytes. */

const BASE_HEAD_BYTES = 2;
const MASK_BYTES = 4;
/** Values of the 7-bit length that say how many bytes of length follow. */
const LENGTH_OF_2_BYTES = 126;
const LENGTH_OF_8_BYTES = 127;
const OPCODE_CLOSE = 8;

export class FrameBorders {
  /** A Close has begun: its sender sends no frame behind it (RFC 6455 §5.5.1). */
  hasClose = false;
  /** Of the head that is being read; 0: none is. */
  #headRead = 0;
  #headBytes = BASE_HEAD_BYTES;
  #lengthEnd = BASE_HEAD_BYTES;
  #length = 0;
  #payloadLeft = 0;

  /** Nothing has come of a frame that is not whole. */
  get isBetween(): boolean {
    return this.#headRead === 0 && this.#payloadLeft === 0;
  }

  /** Follows all of `bytes`. */
  pass(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at = this.#step(bytes, at);
  }

  /** Follows `bytes` up to where they are between two frames; answers how many those are: 0 if they are so already. */
  finishFrame(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && !this.isBetween) at = this.#step(bytes, at);
    return at;
  }

  /** Takes one byte of a head, or what there is of a payload. */
  #step(bytes: Uint8Array, at: number): number {
    if (this.#payloadLeft === 0) {
      this.#readHead(bytes[at]!);
      return at + 1;
    }
    const taken = Math.min(this.#payloadLeft, bytes.length - at);
    this.#payloadLeft -= taken;
    return at + taken;
  }

  #readHead(byte: number): void {
    const place = this.#headRead;
    this.#headRead += 1;
    if (place === 0) this.hasClose ||= (byte & 0x0f) === OPCODE_CLOSE;
    else if (place === 1) this.#readShortLength(byte);
    else if (place < this.#lengthEnd) this.#length = this.#length * 256 + byte;
    if (place === 0 || this.#headRead < this.#headBytes) return;
    this.#payloadLeft = this.#length;
    this.#headRead = 0;
  }

  #readShortLength(byte: number): void {
    const short = byte & 0x7f;
    let longBytes = 0;
    if (short === LENGTH_OF_2_BYTES) longBytes = 2;
    else if (short === LENGTH_OF_8_BYTES) longBytes = 8;
    this.#length = longBytes === 0 ? short : 0;
    this.#lengthEnd = BASE_HEAD_BYTES + longBytes;
    // A server must not mask (§5.1); where one does, the borders are still where it says.
    this.#headBytes = this.#lengthEnd + ((byte & 0x80) === 0 ? 0 : MASK_BYTES);
  }
}
