const NS_PER_MS = 1e6;

/**
 * `performance.now()` counts from each thread's own start; `process.hrtime` counts from one moment for all threads of
 * a machine. The offset, taken once, puts every thread on that clock without making a BigInt per reading.
 */
const offsetMs = Number(process.hrtime.bigint()) / NS_PER_MS - performance.now();

/** Monotonic milliseconds, the same in every thread of this process. */
export function monotonicMs(): number {
  return performance.now() + offsetMs;
}
