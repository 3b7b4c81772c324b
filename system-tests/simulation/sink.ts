/** Reads a body at some pace, and holds every byte of it against what was sent. */
import type { Clock, StreamEnd } from '@sallyport/protocol';
import { bodyBytes } from './content.ts';
import type { Direction } from './content.ts';
import type { BodyPlan } from './plan.ts';
import { expect } from './violation.ts';

export interface SinkOptions {
  readonly clock: Clock;
  readonly stream: StreamEnd;
  readonly key: number;
  readonly direction: Direction;
  /** Null: no body was sent. */
  readonly plan: BodyPlan | null;
  readonly onConsumed: () => void;
}

export class Sink {
  receivedBytes = 0;
  consumedBytes = 0;
  hasEnded = false;
  readonly #options: SinkOptions;
  /** When the reader, who takes one chunk after the other, is free again. */
  #freeAtMs = 0;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  /** Ended, or its stream is over: its window has been given back. */
  get isOver(): boolean {
    return this.hasEnded || this.#options.stream.isOver;
  }

  receive(chunk: Buffer): void {
    const { clock, key, direction, plan } = this.#options;
    const name = `${direction} of request ${key}`;
    expect(!this.hasEnded, () => `${name}: DATA behind END`);
    expect(plan !== null, () => `${name}: DATA where none was sent`);
    const from = this.receivedBytes;
    this.receivedBytes += chunk.length;
    expect(this.receivedBytes <= plan!.bytes, () => `${name}: ${this.receivedBytes} bytes of ${plan!.bytes}`);
    const expected = bodyBytes(key, direction, from, from + chunk.length);
    expect(chunk.equals(expected), () => `${name}: bytes ${from} to ${from + chunk.length} are not those sent`);
    const { length } = chunk;
    if (plan!.readPauseMs === 0) return this.#consume(length);
    this.#freeAtMs = Math.max(this.#freeAtMs, clock.nowMs()) + plan!.readPauseMs;
    clock.after(this.#freeAtMs - clock.nowMs(), () => this.#consume(length));
  }

  /** END came: then so must everything before it have. */
  end(trailers: readonly string[]): void {
    const { key, direction, plan } = this.#options;
    const name = `${direction} of request ${key}`;
    expect(!this.hasEnded, () => `${name}: END twice`);
    this.hasEnded = true;
    expect(plan !== null, () => `${name}: END where LAST was sent`);
    expect(plan!.cutAtByte === null, () => `${name}: a cut arrived as an end`);
    expect(this.receivedBytes === plan!.bytes, () => `${name}: END after ${this.receivedBytes} of ${plan!.bytes}`);
    expect(trailers.join('\n') === plan!.trailers.join('\n'), () => `${name}: other trailers`);
  }

  #consume(bytes: number): void {
    this.consumedBytes += bytes;
    this.#options.stream.consumed(bytes);
    this.#options.onConsumed();
  }
}
