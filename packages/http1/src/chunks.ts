/** A chunked body, byte by byte (RFC 9112 §7.1): extensions are read and dropped. */
import { Class, CLASSES, CR, HEX, LF, SEMICOLON, SPACE, TAB } from './bytes.ts';
import { Faults } from './fault.ts';
import type { Fault } from './fault.ts';

/** Where in a chunk the next byte is. */
const State = { SIZE: 0, SPACE: 1, EXTENSION: 2, SIZE_LF: 3, DATA: 4, DATA_CR: 5, DATA_LF: 6, LAST: 7 } as const;
type State = (typeof State)[keyof typeof State];

/** Sizes up to 2⁵², which can be counted with. */
const MAX_SIZE_DIGITS = 13;

export class Chunks {
  /** Data left of the chunk that is being read; meant for `isInData`. */
  left = 0;
  fault: Fault | null = null;
  #state: State = State.SIZE;
  #digits = 0;
  #extensionBytes = 0;

  reset(): void {
    this.left = 0;
    this.fault = null;
    this.#state = State.SIZE;
    this.#digits = 0;
    this.#extensionBytes = 0;
  }

  get isInData(): boolean {
    return this.#state === State.DATA;
  }

  /** The last chunk's line was read: trailers follow. */
  get isLast(): boolean {
    return this.#state === State.LAST;
  }

  /** So much data was taken. */
  took(bytes: number): void {
    this.left -= bytes;
    if (this.left === 0) this.#state = State.DATA_CR;
  }

  /** Reads up to the next data, the last chunk, a fault or `end`; answers where it stopped. */
  read(bytes: Buffer, at: number, end: number, maxExtensionBytes: number): number {
    while (at < end && this.#state !== State.DATA && this.#state !== State.LAST) {
      this.#state = this.#step(bytes[at]!, maxExtensionBytes);
      at += 1;
      if (this.fault !== null) return at;
    }
    return at;
  }

  #step(byte: number, maxExtensionBytes: number): State {
    switch (this.#state) {
      case State.SIZE:
        return this.#size(byte);
      case State.SPACE:
        if (byte === SPACE || byte === TAB) return this.#extension(maxExtensionBytes);
        return byte === SEMICOLON ? this.#extension(maxExtensionBytes, State.EXTENSION) : this.#fail(Faults.CHUNK_SIZE);
      case State.EXTENSION:
        if (byte === CR) return State.SIZE_LF;
        if ((CLASSES[byte]! & Class.VALUE) === 0) return this.#fail(Faults.CHUNK_EXTENSION);
        return this.#extension(maxExtensionBytes, State.EXTENSION);
      case State.SIZE_LF:
        return byte === LF ? this.#sized() : this.#fail(Faults.CHUNK_SIZE);
      case State.DATA_CR:
        return byte === CR ? State.DATA_LF : this.#fail(Faults.CHUNK_END);
      default:
        return byte === LF ? State.SIZE : this.#fail(Faults.CHUNK_END);
    }
  }

  #size(byte: number): State {
    const digit = HEX[byte]!;
    if (digit >= 0 && this.#digits < MAX_SIZE_DIGITS) {
      this.#digits += 1;
      this.left = this.left * 16 + digit;
      return State.SIZE;
    }
    if (this.#digits === 0 || digit >= 0) return this.#fail(Faults.CHUNK_SIZE);
    if (byte === CR) return State.SIZE_LF;
    if (byte === SEMICOLON) return State.EXTENSION;
    return byte === SPACE || byte === TAB ? State.SPACE : this.#fail(Faults.CHUNK_SIZE);
  }

  #sized(): State {
    this.#digits = 0;
    return this.left === 0 ? State.LAST : State.DATA;
  }

  #extension(maxExtensionBytes: number, next: State = State.SPACE): State {
    this.#extensionBytes += 1;
    return this.#extensionBytes > maxExtensionBytes ? this.#fail(Faults.CHUNK_EXTENSION) : next;
  }

  #fail(fault: Fault): State {
    this.fault = fault;
    return this.#state;
  }
}
