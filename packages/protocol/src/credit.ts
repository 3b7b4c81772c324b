/**
 * Window arithmetic of one receiving direction of a stream; no I/O.
 *
 * Growth: when a grant is due less than two round trips after the one before it, the sender was waiting for credit and
 * the window doubles (the rule of yamux's auto-tuning; the reason is that a window under bandwidth × delay is used up
 * before its grant can arrive). A round trip under a floor counts as the floor: on loopback a turn of the event loop
 * is longer than the line.
 */
import { INITIAL_WINDOW_BYTES, MAX_WINDOW_BYTES } from './wire.ts';

const ROUND_TRIP_FLOOR_MS = 2;

/** Bytes beyond W0 that all windows of a process may add up to. Taken whole or not at all. */
export class WindowBudget {
  readonly limitBytes: number;
  usedBytes = 0;
  /** Times that a window wanted to grow and could not. */
  refusals = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  take(bytes: number): boolean {
    if (this.usedBytes + bytes > this.limitBytes) {
      this.refusals += 1;
      return false;
    }
    this.usedBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.usedBytes -= bytes;
  }
}

export class ReceiveWindow {
  windowBytes = INITIAL_WINDOW_BYTES;
  readonly #budget: WindowBudget;
  readonly #maxBytes: number;
  #consumedBytes = 0;
  #lastGrantMs: number;

  constructor(budget: WindowBudget, maxBytes: number, nowMs: number) {
    this.#budget = budget;
    this.#maxBytes = Math.min(maxBytes, MAX_WINDOW_BYTES);
    this.#lastGrantMs = nowMs;
  }

  /** Counts `bytes` as passed on; returns how much credit to grant now, 0 for none yet. */
  consume(bytes: number, nowMs: number, roundTripMs: number): number {
    this.#consumedBytes += bytes;
    if (this.#consumedBytes * 2 < this.windowBytes) return 0;
    let grantBytes = this.#consumedBytes;
    if (nowMs - this.#lastGrantMs < 2 * Math.max(roundTripMs, ROUND_TRIP_FLOOR_MS)) grantBytes += this.#grow();
    this.#consumedBytes = 0;
    this.#lastGrantMs = nowMs;
    return grantBytes;
  }

  /** Gives what the window grew by back to the budget. Twice is harmless. */
  close(): void {
    this.#budget.giveBack(this.windowBytes - INITIAL_WINDOW_BYTES);
    this.windowBytes = INITIAL_WINDOW_BYTES;
  }

  #grow(): number {
    const more = Math.min(this.windowBytes, this.#maxBytes - this.windowBytes);
    if (more <= 0 || !this.#budget.take(more)) return 0;
    this.windowBytes += more;
    return more;
  }
}
