import type { Arrivals } from '../profiles/profile.ts';
import type { Shard } from './plan.ts';

const MS_PER_S = 1000;

/** Uniform numbers in [0, 1) from a 32-bit seed: mulberry32 (T. Ettinger, public domain). Period 2^32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export type ArrivalOptions = {
  /** Requests per second and per arm. */
  rate: number;
  durationS: number;
  /** How many arms take turns. */
  arms: number;
  kind: Arrivals;
  seed: number;
  /** Only every so manieth round; default all. */
  shard?: Shard | null;
  /** The turn of the first round; default 0. */
  firstTurn?: number;
};

/** A cursor over arrivals, in order of time. */
export type Schedule = {
  /** Milliseconds from the step's start. */
  readonly atMs: number;
  readonly arm: number;
  /** Which of the arm's requests, modulo their number. */
  readonly turn: number;
  /** At the end, behind the last arrival of all shards: whose turn the next step begins with. */
  readonly nextTurn: number;
  /** Moves to the next arrival; false when the step has no more. */
  next(): boolean;
};

/**
 * When each request is due, and on which arm: fixed before the step begins, so that a slow answer cannot hold back
 * the next request (open model; G. Tene's wrk2 on coordinated omission).
 *
 * Arrivals come in rounds of one per arm. Rounds are `1/rate` apart (uniform) or exponentially apart (Poisson); the
 * arms share a round's interval evenly and the order rotates from round to round (with two arms A-B-B-A), so that
 * neither always runs in the wake of the other. Each arm alone keeps the mean rate, and with Poisson rounds also a
 * coefficient of variation of 1.
 *
 * A cursor without garbage: `next()` moves to the following arrival and fills `atMs` (from the step's start) and
 * `arm`. Uniform steps have exactly `round(rate × durationS)` arrivals per arm; Poisson steps that many on average.
 *
 * Several generators share a schedule by rounds: all walk through the same one, and each sends only its own.
 */
export class ArrivalSchedule implements Schedule {
  atMs = 0;
  arm = 0;
  readonly #options: ArrivalOptions;
  readonly #random: () => number;
  readonly #rounds: number;
  #round = -1;
  #position: number;
  #roundStartMs = 0;
  #nextRoundMs = 0;
  readonly #shard: Shard;

  constructor(options: ArrivalOptions) {
    this.#options = options;
    this.#shard = options.shard ?? { index: 0, count: 1 };
    this.#random = seededRandom(options.seed);
    this.#rounds = options.kind === 'uniform' ? Math.round(options.rate * options.durationS) : Infinity;
    this.#position = options.arms - 1;
    if (options.kind === 'poisson') this.#nextRoundMs = this.#exponentialMs();
  }

  get turn(): number {
    return (this.#options.firstTurn ?? 0) + this.#round;
  }

  get nextTurn(): number {
    return this.turn + 1;
  }

  next(): boolean {
    const { arms } = this.#options;
    this.#position += 1;
    if (this.#position === arms && !this.#nextOwnRound()) {
      this.#position = arms - 1;
      return false;
    }
    const share = (this.#nextRoundMs - this.#roundStartMs) / arms;
    this.atMs = this.#roundStartMs + this.#position * share;
    this.arm = (this.#position + this.#round) % arms;
    return true;
  }

  #nextOwnRound(): boolean {
    const { index, count } = this.#shard;
    do {
      if (!this.#nextRound()) return false;
    } while (this.#round % count !== index);
    this.#position = 0;
    return true;
  }

  #nextRound(): boolean {
    const { rate, durationS, kind } = this.#options;
    if (this.#round + 1 >= this.#rounds) return false;
    if (kind === 'uniform') {
      // Multiplied, not added up: a sum would drift by a rounding error a round.
      this.#roundStartMs = ((this.#round + 1) * MS_PER_S) / rate;
      this.#nextRoundMs = ((this.#round + 2) * MS_PER_S) / rate;
    } else {
      if (this.#nextRoundMs >= durationS * MS_PER_S) return false;
      this.#roundStartMs = this.#nextRoundMs;
      this.#nextRoundMs += this.#exponentialMs();
    }
    this.#round += 1;
    return true;
  }

  #exponentialMs(): number {
    return (-Math.log(1 - this.#random()) * MS_PER_S) / this.#options.rate;
  }
}
