/** Time as a parameter: the simulation runs the same code on a clock of its own. */
import { performance } from 'node:perf_hooks';

/** Ends a timer; ending twice is allowed. */
export interface Timer {
  stop(): void;
}

export interface Clock {
  /** Monotonic milliseconds, with fractions. */
  nowMs(): number;
  after(delayMs: number, run: () => void): Timer;
  every(periodMs: number, run: () => void): Timer;
  /** Runs `run` once, when all that is ready in this turn of the event loop has been read. */
  endOfTurn(run: () => void): void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { stop: () => clearTimeout(timer) };
  },
  every(periodMs, run) {
    const timer = setInterval(run, periodMs);
    return { stop: () => clearInterval(timer) };
  },
  // The check phase comes right after the poll phase: every socket that was readable has been read by then.
  endOfTurn: (run) => void setImmediate(run),
};
