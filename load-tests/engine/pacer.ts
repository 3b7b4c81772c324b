import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { sibling } from './sibling.ts';

/** The generation number that tells the worker to end. */
export const GENERATION_STOP = -1;
/** Where the due time lies in the shared buffer; aligned for a Float64Array. */
export const DUE_OFFSET_BYTES = 8;
const SHARED_BYTES = 16;
const MAX_GENERATION = 2 ** 31 - 1;

/**
 * An alarm clock finer than a timer: calls `onDue` on this thread shortly after the time last given to `wakeAt`.
 *
 * Why a thread that sleeps. `setTimeout` counts whole milliseconds, which would put up to 1 ms of our own lateness
 * into every latency; a `setImmediate` loop is exact and burns one of the machine's cores, which the system under
 * test then lacks. A worker blocked in `Atomics.wait` sleeps with the kernel's precision and costs next to nothing.
 *
 * Measured on a shared 2-core machine (Node 26.10, undici 8.12, kept-alive requests to node:http in another process,
 * 2000 arrivals/s for 5 s, median of several runs; CPU of the whole generator, undici's 10–12 % included):
 *
 * | way                                       | lag p50 | p90     | p99      | CPU   |
 * |-------------------------------------------|---------|---------|----------|-------|
 * | setTimeout                                | 620 µs  | 1170 µs | 1560 µs  | 15 %  |
 * | setImmediate loop                         | 0 µs    | 1 µs    | 230 µs   | 103 % |
 * | setTimeout, setImmediate for the last ms  | 0 µs    | 1 µs    | 230 µs   | 102 % |
 * | worker, Atomics.wait, postMessage         | 100 µs  | 160 µs  | 2100 µs  | 24 %  |
 * | the same with 1 ns of timer slack (this)  | 50 µs   | 75 µs   | 890 µs   | 25 %  |
 * | … woken by Atomics.waitAsync instead      | 52 µs   | 70 µs   | 670 µs   | 24 %  |
 *
 * The p99 column is noise of a shared machine as much as of the method; the last two do not differ by more than runs
 * of one of them do, and postMessage is the simpler one.
 */
export class Pacer {
  readonly #worker: Worker;
  readonly #generation: Int32Array;
  readonly #due: Float64Array;

  constructor(onDue: () => void) {
    const shared = new SharedArrayBuffer(SHARED_BYTES);
    this.#generation = new Int32Array(shared, 0, 1);
    this.#due = new Float64Array(shared, DUE_OFFSET_BYTES, 1);
    this.#worker = new Worker(sibling(import.meta.url, 'pacer-worker'), { workerData: shared });
    this.#worker.on('message', onDue);
  }

  /** Resolves when the worker runs; `wakeAt` before that is late by the worker's start. */
  async ready(): Promise<void> {
    await once(this.#worker, 'online');
  }

  /**
   * Calls `onDue` once, never before `atMs` on the clock of `monotonicMs()`. A new call replaces one that has not come
   * due; a call that crosses with it may make `onDue` run twice, so `onDue` looks at the clock itself.
   */
  wakeAt(atMs: number): void {
    this.#due[0] = atMs;
    const current = Atomics.load(this.#generation, 0);
    Atomics.store(this.#generation, 0, current >= MAX_GENERATION ? 1 : current + 1);
    Atomics.notify(this.#generation, 0);
  }

  async stop(): Promise<void> {
    Atomics.store(this.#generation, 0, GENERATION_STOP);
    Atomics.notify(this.#generation, 0);
    await this.#worker.terminate();
  }
}
