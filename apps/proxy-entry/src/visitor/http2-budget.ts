/** What a visitor may do besides asking: allowances that time, and useful work, give back. Pure. */

/** So much at once, and so much again each second. */
export class Allowance {
  readonly #burst: number;
  readonly #perMs: number;
  #left: number;
  #refilledMs: number;

  constructor(burst: number, perS: number, nowMs: number) {
    this.#burst = burst;
    this.#perMs = perS / MS_PER_SECOND;
    this.#left = burst;
    this.#refilledMs = nowMs;
  }

  /** Useful work was done: it earns what it may have called for. */
  give(amount: number): void {
    this.#left = Math.min(this.#burst, this.#left + amount);
  }

  /** False once more was taken than there was. */
  take(amount: number, nowMs: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + (nowMs - this.#refilledMs) * this.#perMs) - amount;
    this.#refilledMs = nowMs;
    return this.#left >= 0;
  }
}

/**
 * The bytes of a connection that carry nothing: whatever came less what requests, bodies and the acknowledgement of
 * answers account for. It sees every kind of frame, the empty, the unknown and the useless, though nobody shows them.
 */
export class Overhead {
  readonly #allowance: Allowance;
  #accounted = 0;
  /** Of uploads that we stopped: what may have been on its way, which nobody shows. */
  #late = 0;

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  /** A request head, uncompressed: it may have come with a priority, and its stream may be reset. */
  head(bytes: number): void {
    this.#accounted += bytes + HEAD_EXTRA_BYTES;
  }

  /** A piece of a body that came. */
  body(bytes: number): void {
    this.#accounted += bytes + FRAME_EXTRA_BYTES;
  }

  /** An upload was answered before it had come, and reset: so much of it may have been sent or waited unread. */
  stopped(bytes: number): void {
    this.#late = Math.min(LATE_BYTES, this.#late + bytes);
  }

  /** A piece of an answer, in frames as small as they come: each may be acknowledged on the stream and the connection. */
  answer(bytes: number): void {
    this.#accounted += ACKNOWLEDGED_BYTES * (1 + Math.floor(bytes / SMALL_FRAME_BYTES));
  }

  /** `received`: ever, on the connection. False: too much of it was for nothing. */
  isTolerable(received: number, nowMs: number): boolean {
    const unaccounted = received - this.#accounted;
    this.#accounted = received;
    if (unaccounted >= 0) {
      const late = Math.min(unaccounted, this.#late);
      this.#late -= late;
      return this.#allowance.take(unaccounted - late, nowMs);
    }
    this.#allowance.give(-unaccounted);
    return true;
  }
}

const MS_PER_SECOND = 1_000;
/** A frame's header, padding's length and a little padding (RFC 9113 §4.1, §6.1). */
const FRAME_EXTRA_BYTES = 32;
/** HEADERS, CONTINUATION, RST_STREAM, PRIORITY, and literals in HPACK. */
const HEAD_EXTRA_BYTES = 256;
/** Two WINDOW_UPDATE frames and something over. */
const ACKNOWLEDGED_BYTES = 32;
const SMALL_FRAME_BYTES = 1_024;
/** A connection's window: no more is on its way at once. */
const LATE_BYTES = 1_048_576;
