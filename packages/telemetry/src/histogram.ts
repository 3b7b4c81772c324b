/**
 * Upper bounds in seconds for requests and hops. They hold the edges people alert on (10, 15, 20, 30 and 50 ms) and
 * reach down to 50 µs, because a hop of this system is often shorter than a millisecond.
 */
export const DEFAULT_BOUNDS_S: readonly number[] = [
  0.000_05, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2,
  0.3, 0.5, 1, 2, 5, 10, 30, 60,
];

/**
 * A cumulative histogram whose `observe` allocates nothing and hashes no labels, which is what prom-client's own spends
 * its time on. Counts are float64: exact to 2^53, where uint32 would wrap after five days at 10,000 requests/s.
 */
export class Histogram {
  readonly boundsS: Float64Array;
  /** One count per bound, then the count above the last bound, then the sum in seconds (kept unboxed here). */
  readonly #cells: Float64Array;

  /** @param boundsS rising upper bounds in seconds, at least one; throws RangeError otherwise. */
  constructor(boundsS: readonly number[] = DEFAULT_BOUNDS_S) {
    this.boundsS = Float64Array.from(boundsS);
    for (let i = 0; i < boundsS.length; i++) {
      const rises = i === 0 || this.boundsS[i]! > this.boundsS[i - 1]!;
      if (!rises || !Number.isFinite(this.boundsS[i])) throw new RangeError('histogram bounds must be finite and rise');
    }
    if (boundsS.length === 0) throw new RangeError('a histogram needs at least one bound');
    this.#cells = new Float64Array(boundsS.length + 2);
  }

  /**
   * Counts one value in seconds. A negative one (two clocks read in the wrong order) counts as 0; NaN and Infinity are
   * ignored, since one of them would spoil the sum for good.
   */
  observe(seconds: number): void {
    if (!(seconds < Infinity)) return;
    const value = seconds > 0 ? seconds : 0;
    const bounds = this.boundsS;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= bounds[middle]!) high = middle;
      else low = middle + 1;
    }
    this.#cells[low]!++;
    this.#cells[bounds.length + 1]! += value;
  }

  /** Values seen. */
  get count(): number {
    let count = 0;
    for (let i = 0; i <= this.boundsS.length; i++) count += this.#cells[i]!;
    return count;
  }

  /** Sum of all values, in seconds. */
  get sumS(): number {
    return this.#cells[this.boundsS.length + 1]!;
  }

  /** Values at or below each bound, in the order of `boundsS`. */
  cumulative(): number[] {
    let count = 0;
    return Array.from(this.boundsS, (_, i) => (count += this.#cells[i]!));
  }
}
