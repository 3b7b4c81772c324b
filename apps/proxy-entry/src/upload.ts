/** The body of a request on its way to a stream: kept for a second try while it is whole. */
import { MergeBuffer, NO_FIELDS } from '@sallyport/protocol';
import type { StreamEnd } from '@sallyport/protocol';

export class Upload {
  hasEnded = false;
  #trailers: readonly string[] = NO_FIELDS;
  /** All of it so far; null once it is not whole any more. Its limit: W0 and one chunk, for more is not read before that. */
  #kept: MergeBuffer | null = new MergeBuffer();
  #stallTimer: NodeJS.Timeout | null = null;

  /** What came so far could be sent again. */
  get isWhole(): boolean {
    return this.#kept !== null;
  }

  keep(chunk: Buffer): void {
    this.#kept?.add(chunk);
  }

  end(trailers: readonly string[]): void {
    this.hasEnded = true;
    this.#trailers = trailers;
  }

  /** The far end has begun to read, or to answer: there will be no second try. */
  forget(): void {
    this.#kept = null;
  }

  /** The far end takes no more: `onStall` is called unless it does within `limitMs`. */
  startStall(limitMs: number, onStall: () => void): void {
    this.#stallTimer ??= setTimeout(onStall, limitMs);
  }

  stopStall(): void {
    if (this.#stallTimer !== null) clearTimeout(this.#stallTimer);
    this.#stallTimer = null;
  }

  /** Sends what came so far; true where there is room and need for more. */
  replay(stream: Pick<StreamEnd, 'write' | 'end'>): boolean {
    const hasRoom = this.#kept === null || this.#kept.length === 0 || stream.write(this.#kept.view());
    if (this.hasEnded) stream.end(this.#trailers);
    return hasRoom && !this.hasEnded;
  }
}
