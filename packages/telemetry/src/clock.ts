/**
 * Milliseconds on the monotonic clock, with a fraction. The origin is the start of the process: only differences mean
 * anything, and only within one process. `performance.now` is the cheapest of Node's monotonic clocks and, unlike
 * `process.hrtime()`, leaves no garbage.
 */
export const nowMs = (): number => performance.now();

/** What code that waits is given, so that a test can decide when time passes. */
export type Clock = {
  /** Runs `run` once after `delayMs`; the answer cancels it. Never keeps the process alive. */
  after(delayMs: number, run: () => void): () => void;
};

export const realClock: Clock = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
