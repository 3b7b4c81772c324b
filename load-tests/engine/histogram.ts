import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import type { Histogram } from 'hdr-histogram-js';
import type { HopReport, Latencies } from '../report/model.ts';

const US_PER_MS = 1000;
/** Longer than any timeout; longer values count as this. */
const HIGHEST_US = 600e6;
const SIGNIFICANT_DIGITS = 3;

const newCounts = (): Histogram =>
  build({
    bitBucketSize: 32,
    autoResize: false,
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_US,
    numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
  });

/**
 * A histogram of durations: microseconds from 1 µs to 10 min, three significant digits (HdrHistogram, G. Tene), with
 * exact minimum, maximum and sum beside it. Fixed size (about 90 kB), about 0.1 µs a record.
 */
export class DurationHistogram {
  readonly #counts: Histogram;
  #sumUs = 0;
  #minUs = Infinity;
  #maxUs = 0;

  constructor(counts: Histogram = newCounts()) {
    this.#counts = counts;
  }

  get count(): number {
    return this.#counts.totalCount;
  }

  get deviationMs(): number {
    return this.count === 0 ? 0 : this.#counts.stdDeviation / US_PER_MS;
  }

  record(durationMs: number): void {
    const us = Math.min(HIGHEST_US, Math.max(0, Math.round(durationMs * US_PER_MS)));
    this.#counts.recordValue(us);
    this.#sumUs += us;
    if (us < this.#minUs) this.#minUs = us;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  add(other: DurationHistogram): void {
    this.#counts.add(other.#counts);
    this.#sumUs += other.#sumUs;
    this.#minUs = Math.min(this.#minUs, other.#minUs);
    this.#maxUs = Math.max(this.#maxUs, other.#maxUs);
  }

  reset(): void {
    this.#counts.reset();
    this.#sumUs = 0;
    this.#minUs = Infinity;
    this.#maxUs = 0;
  }

  /** Milliseconds at `percentile` (0 to 100); 0 when empty. Never above the exact maximum. */
  at(percentile: number): number {
    return this.count === 0 ? 0 : Math.min(this.#counts.getValueAtPercentile(percentile), this.#maxUs) / US_PER_MS;
  }

  latencies(): Latencies {
    const { count } = this;
    return {
      min: count === 0 ? 0 : this.#minUs / US_PER_MS,
      mean: count === 0 ? 0 : Math.round(this.#sumUs / count) / US_PER_MS,
      p50: this.at(50),
      p75: this.at(75),
      p90: this.at(90),
      p95: this.at(95),
      p99: this.at(99),
      p999: this.at(99.9),
      max: this.#maxUs / US_PER_MS,
    };
  }

  hop(): HopReport {
    return { p50: this.at(50), p99: this.at(99) };
  }

  /** The V2 compressed form of HdrHistogram's logs, readable by every HdrHistogram; about 0.15 ms. */
  encode(): EncodedHistogram {
    const { count } = this;
    const edges = count === 0 ? { minUs: 0, maxUs: 0 } : { minUs: this.#minUs, maxUs: this.#maxUs };
    return { base64: encodeIntoCompressedBase64(this.#counts), sumUs: this.#sumUs, ...edges };
  }

  static decode(encoded: EncodedHistogram): DurationHistogram {
    // Decoded into the full range again, since histograms of different ranges do not add.
    const decoded = new DurationHistogram();
    decoded.#counts.add(decodeFromCompressedBase64(encoded.base64, 32));
    if (decoded.count > 0) {
      decoded.#sumUs = encoded.sumUs;
      decoded.#minUs = encoded.minUs;
      decoded.#maxUs = encoded.maxUs;
    }
    return decoded;
  }
}

/** What crosses the process border; `base64` alone is what an HdrHistogram log holds. */
export type EncodedHistogram = { base64: string; sumUs: number; minUs: number; maxUs: number };
