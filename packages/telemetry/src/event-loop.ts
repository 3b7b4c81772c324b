import { performance } from 'node:perf_hooks';
import { nowMs } from './clock.ts';
import type { Histogram } from './histogram.ts';

const SAMPLE_INTERVAL_MS = 20;
const MS_PER_S = 1000;
/** A process that was stopped for minutes (SIGSTOP, sleep) is one event, not thousands of samples. */
const MAX_SAMPLES_PER_STALL = 500;

/**
 * Measures how late a timer of 20 ms runs, which is how long a visitor waits before the 'request' event; that time is in
 * no hop. A stall counts once for each 20 ms it lasted, with the wait that remained then (the correction for coordinated
 * omission of HdrHistogram), so that percentiles are those of an arrival at any moment. Resolution 1 ms, Node's timers'.
 *
 * @returns ends the timer.
 */
export function watchEventLoop(histogram: Histogram): () => void {
  let lastMs = nowMs();
  const timer = setInterval(() => {
    const now = nowMs();
    observeDelay(histogram, now - lastMs - SAMPLE_INTERVAL_MS);
    lastMs = now;
  }, SAMPLE_INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** One lateness in ms as the samples it stands for. */
export function observeDelay(histogram: Histogram, delayMs: number): void {
  histogram.observe(delayMs / MS_PER_S);
  let samples = 1;
  for (let rest = delayMs - SAMPLE_INTERVAL_MS; rest > 0 && samples < MAX_SAMPLES_PER_STALL; samples++) {
    histogram.observe(rest / MS_PER_S);
    rest -= SAMPLE_INTERVAL_MS;
  }
}

/** Seconds this thread's event loop has worked since it started; its rate is the utilisation, 0 to 1. */
export const eventLoopActiveS = (): number => performance.eventLoopUtilization().active / MS_PER_S;
