import type { ArmLoad } from './arm-load.ts';
import type { Schedule } from './arrivals.ts';
import { monotonicMs } from './clock.ts';
import type { Exchange } from './exchange.ts';

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
  #hasMore: boolean;

  constructor(arms: readonly ArmLoad[], schedule: Schedule, startMs: number) {
    this.#arms = arms;
    this.#schedule = schedule;
    this.#startMs = startMs;
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
    return null;
  }

  ended(): void {}

  sweep(): void {}
}

/**
 * The closed model: so many workers per arm, each of which asks again as soon as it is answered. A worker that was not
 * answered at all rests until the next sweep, so that a closed door is not hammered at.
 */
export class ClosedPace implements Pace {
  readonly #arms: readonly ArmLoad[];
  readonly #endMs: number;
  /** By arm: workers that rest. At most `workers`. */
  readonly #resting: Map<ArmLoad, number>;
  #turn = 0;

  constructor(arms: readonly ArmLoad[], workers: number, endMs: number) {
    this.#arms = arms;
    this.#endMs = endMs;
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
    arm.send(nowMs, nowMs, this.#turn);
    this.#turn += 1;
  }
}
