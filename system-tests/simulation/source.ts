/** Writes a body at some pace, stops where the stream does, and ends it, or is cut. */
import type { Clock, StreamCode, StreamEnd, Timer } from '@sallyport/protocol';
import type { Random } from '../../packages/protocol/src/testing/random.ts';
import { bodyBytes } from './content.ts';
import type { Direction } from './content.ts';
import type { BodyPlan } from './plan.ts';

export interface SourceOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly stream: StreamEnd;
  readonly key: number;
  readonly direction: Direction;
  readonly plan: BodyPlan;
  readonly cutCode: StreamCode;
  /** After every write: more may be on its way now. */
  readonly onWrite: () => void;
  /** END or ABORT was given to the stream. */
  readonly onDone: (isWhole: boolean) => void;
}

export class Source {
  readonly #options: SourceOptions;
  #at = 0;
  #timer: Timer | null = null;
  #isBlocked = false;
  #isOver = false;

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  /** Bytes that have gone out as DATA. */
  get sentBytes(): number {
    return this.#at - this.#options.stream.pendingBytes;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  readonly pump = (): void => {
    this.#timer = null;
    const { clock, random, stream, key, direction, plan, onWrite } = this.#options;
    const toBytes = Math.min(plan.bytes, plan.cutAtByte ?? plan.bytes);
    while (!this.#isOver && !this.#isBlocked) {
      if (this.#at < toBytes) {
        const size = Math.min(random.spread(1, plan.chunkBytes), toBytes - this.#at);
        // A write may come back here through `writable`, so its place is noted before.
        const from = this.#at;
        this.#at += size;
        this.#isBlocked = !stream.write(bodyBytes(key, direction, from, from + size));
        onWrite();
      }
      // Whoever has written all says so at once, though the last of it may wait for credit.
      if (this.#at === toBytes) return this.#finish();
      if (plan.pauseMs > 0 && !this.#isOver) {
        this.#timer = clock.after(random.next() * plan.pauseMs, this.pump);
        return;
      }
    }
  };

  writable(): void {
    this.#isBlocked = false;
    if (this.#timer === null) this.pump();
  }

  stop(): void {
    this.#isOver = true;
    this.#timer?.stop();
    this.#timer = null;
  }

  #finish(): void {
    if (this.#isOver) return;
    const { stream, plan, cutCode, onDone } = this.#options;
    this.#isOver = true;
    if (plan.cutAtByte === null) stream.end(plan.trailers);
    else stream.abort(cutCode);
    onDone(plan.cutAtByte === null);
  }
}
