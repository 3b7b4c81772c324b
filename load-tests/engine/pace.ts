import type { ArmLoad } from './arm-load.ts';
import type { Schedule } from './arrivals.ts';
import { monotonicMs } from './clock.ts';
import type { Exchange } from './exchange.ts';
import type { Shard } from './plan.ts';

/** Overdue requests sent in one turn of the event loop; the rest after what has arrived meanwhile was read. */
const MAX_BURST = 128;

/** What decides when a step's requests leave. */
export type Pace = {
  /** Sends what is due. When it is to be called again (that may be now), or null when nothing more is to come of it. */
  advance(): number | null;
  /** A request has ended. */
  ended(arm: ArmLoad, exchange: Exchange): void;
  /** Called every `SWEEP_MS`. */
  sweep(nowMs: number): void;
};

/** The open model: a schedule that no answer holds back. */
export class OpenPace implements Pace {
  readonly #arms: readonly ArmLoad[];
  readonly #schedule: Schedule;
  readonly #startMs: number;
  readonly #turns: Map<ArmLoad, number>;
  #hasMore: boolean;

  /** @param options.turns told whose turn it is next when the schedule has ended */
  constructor(options: { arms: readonly ArmLoad[]; schedule: Schedule; startMs: number; turns: Map<ArmLoad, number> }) {
    const { arms, schedule, startMs, turns } = options;
    this.#arms = arms;
    this.#schedule = schedule;
    this.#startMs = startMs;
    this.#turns = turns;
    this.#hasMore = schedule.next();
  }

  advance(): number | null {
    let nowMs = monotonicMs();
    let burst = 0;
    while (this.#hasMore) {
      const dueMs = this.#startMs + this.#schedule.atMs;
      if (dueMs > nowMs || burst === MAX_BURST) return dueMs;
      burst += 1;
      this.#arms[this.#schedule.arm]?.send(dueMs, nowMs, this.#schedule.turn);
      this.#hasMore = this.#schedule.next();
      nowMs = monotonicMs();
    }
    for (const arm of this.#arms) this.#turns.set(arm, this.#schedule.nextTurn);
    return null;
  }

  ended(): void {}

  sweep(): void {}
}

type ClosedOptions = {
  arms: readonly ArmLoad[];
  /** Per arm. */
  workers: number;
  endMs: number;
  turns: Map<ArmLoad, number>;
  shard: Shard;
};

/**
 * The closed model: so many workers per arm, each of which asks again as soon as it is answered. A worker that was not
 * answered at all rests until the next sweep, so that a closed door is not hammered at.
 */
export class ClosedPace implements Pace {
  readonly #arms: readonly ArmLoad[];
  readonly #endMs: number;
  /** By arm: workers that rest. At most `workers`. */
  readonly #resting: Map<ArmLoad, number>;
  /** By arm, whose turn it is among its own requests: one that all shared would give each arm always the same ones. */
  readonly #turns: Map<ArmLoad, number>;
  readonly #shard: Shard;

  /** @param options.turns whose turn it is, kept up to date; several processes (`shard`) take every so manieth */
  constructor(options: ClosedOptions) {
    const { arms, workers, endMs, turns, shard } = options;
    this.#arms = arms;
    this.#endMs = endMs;
    this.#turns = turns;
    this.#shard = shard;
    this.#resting = new Map(arms.map((arm) => [arm, workers]));
  }

  advance(): null {
    this.sweep(monotonicMs());
    return null;
  }

  ended(arm: ArmLoad, exchange: Exchange): void {
    const nowMs = monotonicMs();
    if (exchange.status === 0) this.#resting.set(arm, (this.#resting.get(arm) ?? 0) + 1);
    else this.#send(arm, nowMs);
  }

  sweep(nowMs: number): void {
    for (const arm of this.#arms) {
      const workers = this.#resting.get(arm) ?? 0;
      this.#resting.set(arm, 0);
      for (let worker = 0; worker < workers; worker++) this.#send(arm, nowMs);
    }
  }

  #send(arm: ArmLoad, nowMs: number): void {
    if (nowMs >= this.#endMs) return;
    const turn = this.#turns.get(arm) ?? this.#shard.index;
    this.#turns.set(arm, turn + this.#shard.count);
    arm.send(nowMs, nowMs, turn);
  }
}
