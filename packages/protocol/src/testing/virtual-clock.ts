/**
 * A clock for tests: time moves only when told to. One turn is what an event loop's is: first all that is due, then
 * what was put off to the end of the turn.
 */
import type { Clock, Timer } from '../clock.ts';

/** More turns than this at one instant are a loop that waits for itself. */
const MAX_TURNS_AT_ONCE = 100_000;

/** A power of two: times add up without rounding, and `now + (due − now)` is due. */
const TICKS_PER_MS = 1_024;

interface Entry {
  dueMs: number;
  /** Keeps what is due at the same time in the order it was asked for. */
  order: number;
  run: () => void;
  isStopped: boolean;
}

export class VirtualClock implements Clock {
  /** Timers not stopped and not run yet. */
  liveTimers = 0;
  #nowMs: number;
  #order = 0;
  readonly #heap: Entry[] = [];
  #ending: (() => void)[] = [];

  constructor(startMs = 1_000) {
    this.#nowMs = startMs;
  }

  readonly nowMs = (): number => this.#nowMs;

  after(delayMs: number, run: () => void): Timer {
    const entry = this.#add(delayMs, run);
    this.liveTimers += 1;
    return { stop: () => this.#stop(entry) };
  }

  every(periodMs: number, run: () => void): Timer {
    // As Node's: armed anew when it fires, so that a clock that jumped makes it fire once.
    const again = (): void => {
      timer = this.after(periodMs, again);
      run();
    };
    let timer = this.after(periodMs, again);
    return { stop: () => timer.stop() };
  }

  endOfTurn(run: () => void): void {
    this.#ending.push(run);
  }

  /** One turn at the present time; false when nothing was due. */
  turn(): boolean {
    const before = this.#order;
    let ran = false;
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.dueMs > this.#nowMs || next.order >= before) break;
      this.#pop();
      if (next.isStopped) continue;
      next.isStopped = true;
      this.liveTimers -= 1;
      ran = true;
      next.run();
    }
    const ending = this.#ending;
    this.#ending = [];
    for (const run of ending) run();
    return ran || ending.length > 0;
  }

  /** Turns until nothing is due now. */
  settle(): void {
    for (let turns = 0; this.turn(); turns += 1) {
      if (turns > MAX_TURNS_AT_ONCE) throw new Error('this never comes to rest');
    }
  }

  /** When something is due next, in milliseconds; infinity when nothing is. */
  get nextDueMs(): number {
    while (this.#heap[0]?.isStopped === true) this.#pop();
    return this.#heap[0]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  /** Moves to when something is due next, without running it. */
  skip(): void {
    this.#nowMs = Math.max(this.#nowMs, this.nextDueMs);
  }

  /** Lets `ms` pass, with everything that becomes due on the way. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      this.settle();
      const dueMs = this.nextDueMs;
      if (dueMs > untilMs) break;
      this.#nowMs = dueMs;
    }
    this.#nowMs = untilMs;
  }

  /** As if the process had been stopped: time is later, and nothing ran meanwhile. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }

  #stop(entry: Entry): void {
    if (entry.isStopped) return;
    entry.isStopped = true;
    this.liveTimers -= 1;
  }

  #add(delayMs: number, run: () => void): Entry {
    const dueMs = this.#nowMs + Math.ceil(delayMs * TICKS_PER_MS) / TICKS_PER_MS;
    const entry: Entry = { dueMs, order: this.#order, run, isStopped: false };
    this.#order += 1;
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
    return entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const moved = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, moved)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
