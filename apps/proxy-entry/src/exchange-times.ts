/** The times of one exchange, by hop, up to the head of its answer. */
import { performance } from 'node:perf_hooks';
import type { ResponseHead } from '@sallyport/protocol';
import { HOPS } from '@sallyport/telemetry';
import { attribute, chargeOwn } from './timing.ts';

const US_PER_MS = 1_000;

export class ExchangeTimes {
  readonly hopsUs = new Float64Array(HOPS.length);
  /** From the request to the head of its answer; 0 where none was written. */
  headUs = 0;
  /** When the try began that runs or was answered; 0: none did. On the clock of `performance.now()`. */
  openedMs = 0;
  readonly #arrivedMs: number;

  constructor(arrivedMs: number) {
    this.#arrivedMs = arrivedMs;
  }

  /** A try begins. */
  opened(): void {
    this.openedMs = performance.now();
  }

  /** The head of the backend's answer is about to be written. */
  answered(head: ResponseHead): void {
    const nowMs = performance.now();
    this.headUs = (nowMs - this.#arrivedMs) * US_PER_MS;
    attribute(this.hopsUs, this.headUs, (nowMs - this.openedMs) * US_PER_MS, head);
  }

  /** An answer of our own: the time since OPEN is charged to the hop at fault; hops not reached took none. */
  answeredOurselves(hop: string): void {
    const nowMs = performance.now();
    this.headUs = (nowMs - this.#arrivedMs) * US_PER_MS;
    chargeOwn(this.hopsUs, this.headUs, this.openedMs === 0 ? 0 : (nowMs - this.openedMs) * US_PER_MS, hop);
  }
}
