import { readlinkSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs } from './clock.ts';
import { DUE_OFFSET_BYTES, GENERATION_STOP } from './pacer.ts';

/**
 * Linux rounds a sleep up by the thread's timer slack, 50 µs unless told otherwise. A thread may lower its own; where
 * it may not, or on another system, arrivals are about 50 µs later and the lag histogram says so.
 */
function lowerTimerSlack(): void {
  try {
    writeFileSync(`/proc/${basename(readlinkSync('/proc/thread-self'))}/timerslack_ns`, '1');
  } catch {
    // Not Linux, or not allowed.
  }
}

/** Sleeps until the time in the shared cell, then posts one message; once per generation. */
function run(shared: SharedArrayBuffer): void {
  const generation = new Int32Array(shared, 0, 1);
  const due = new Float64Array(shared, DUE_OFFSET_BYTES, 1);
  let fired = 0;
  for (;;) {
    const current = Atomics.load(generation, 0);
    if (current === GENERATION_STOP) return;
    if (current === fired) {
      Atomics.wait(generation, 0, current);
      continue;
    }
    const leftMs = (due[0] ?? 0) - monotonicMs();
    if (leftMs > 0) {
      // A new generation ends the wait early; either way the loop looks again, so nothing fires before its time.
      Atomics.wait(generation, 0, current, leftMs);
      continue;
    }
    fired = current;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort, not a window
    parentPort?.postMessage(null);
  }
}

lowerTimerSlack();
run(workerData as SharedArrayBuffer);
