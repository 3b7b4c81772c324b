import type { Schedule } from './arrivals.ts';
import type { Shard, TraceEntry } from './plan.ts';

/** Arms share a recorded arrival's moment, shifted against each other by at most this much. */
const MAX_ARM_SHIFT_MS = 2;

export type TraceOptions = {
  entries: readonly TraceEntry[];
  durationMs: number;
  arms: number;
  shard?: Shard | null;
};

/**
 * Arrivals as they were recorded, each on every arm: the arms take turns in rotating order and share the gap to the next
 * entry, of which at most `MAX_ARM_SHIFT_MS` an arm is used. Entries at or beyond `durationMs` are left out.
 */
export class TraceSchedule implements Schedule {
  atMs = 0;
  arm = 0;
  turn = 0;
  /** A trace says itself whose turn it is. */
  readonly nextTurn = 0;
  readonly #options: TraceOptions;
  readonly #shard: Shard;
  #entry: number;
  #position: number;

  constructor(options: TraceOptions) {
    this.#options = options;
    this.#shard = options.shard ?? { index: 0, count: 1 };
    this.#entry = this.#shard.index - this.#shard.count;
    this.#position = options.arms - 1;
  }

  next(): boolean {
    const { entries, arms, durationMs } = this.#options;
    const isNew = this.#position + 1 >= arms;
    const index = isNew ? this.#entry + this.#shard.count : this.#entry;
    const entry = entries[index];
    if (entry === undefined || entry.atMs >= durationMs) return false;
    this.#entry = index;
    this.#position = isNew ? 0 : this.#position + 1;
    const gapMs = (entries[index + 1]?.atMs ?? Infinity) - entry.atMs;
    this.atMs = entry.atMs + this.#position * Math.min(MAX_ARM_SHIFT_MS, gapMs / arms);
    this.arm = (this.#position + index) % arms;
    this.turn = entry.request;
    return true;
  }
}
