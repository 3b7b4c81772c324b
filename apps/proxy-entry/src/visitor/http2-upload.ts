/** The body of a request over HTTP/2: when it is whole, and whether it comes too slowly. Pure. */
import { BodyClock } from './clocks.ts';

export class Http2Upload {
  trailers: readonly string[] = [];
  isEnded = false;
  /** No more of it is passed on. */
  isStopped = false;
  /** Of what was declared, what is to come; negative where no length was. */
  #left: number;
  /** The last of a declared body, until its end has come too: with it the backend would take the request for whole. */
  #last: Buffer | null = null;
  #clock: BodyClock | null = null;

  constructor(contentLength: number) {
    this.#left = contentLength;
  }

  /** So much of it at most was not taken. */
  get leftBytes(): number {
    if (this.isEnded) return 0;
    return this.#left < 0 ? Infinity : this.#left;
  }

  /** It is read from now on. */
  start(nowMs: number, graceMs: number): void {
    this.#clock = new BodyClock();
    this.#clock.start(nowMs, graceMs);
  }

  /** A piece came: the same where it is to be passed on now. */
  take(chunk: Buffer): Buffer | null {
    if (this.isStopped) return null;
    this.#clock?.took(chunk.length);
    this.#left -= chunk.length;
    if (this.#left !== 0) return chunk;
    this.#last = chunk;
    return null;
  }

  /** It ended as it should: what is to be passed on now. */
  end(): Buffer | null {
    this.isEnded = true;
    return this.#last;
  }

  /** Asked about once a second. `isOurs`: it is not the visitor that is waited for. */
  isTooSlow(nowMs: number, isOurs: boolean, minBytesPerS: number, graceMs: number): boolean {
    if (this.#clock === null || this.isEnded || minBytesPerS === 0) return false;
    if (!isOurs) return this.#clock.isLate(nowMs, minBytesPerS, graceMs);
    this.#clock.skip(nowMs);
    return false;
  }

  /** No more of it is wanted. */
  stop(): void {
    this.isStopped = true;
    this.#clock = null;
  }
}
