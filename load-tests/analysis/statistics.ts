/** The median; of an even number the mean of the middle two; NaN of none. Does not change its argument. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/**
 * Which order statistics enclose the median with at least `coverage`, without assuming a distribution: the k-th
 * smallest and the k-th largest of `count`, k counted from 1; null when even the extremes do not (under six values for
 * 0.95).
 *
 * Derivation: the number of values below the true median is binomial(count, ½), so the k-th smallest lies above it
 * with probability P(B ≤ k − 1); the interval misses with twice that. The largest k is taken whose interval still
 * covers. For 20 values this is the 6th to the 15th (95.9 %), for 10 the 2nd to the 9th (97.9 %).
 * Source: David and Nagaraja, Order Statistics, 3rd ed., §7.1; Conover, Practical Nonparametric Statistics, §3.2.
 */
export function medianRank(count: number, coverage: number): number | null {
  let below = 0;
  let rank: number | null = null;
  let probability = 0.5 ** count;
  for (let k = 1; k <= count / 2; k++) {
    below += probability;
    if (1 - 2 * below < coverage) break;
    rank = k;
    probability *= (count - k + 1) / k;
  }
  return rank;
}

/** The distribution-free interval for the median at `coverage`; null with too few values. See `medianRank`. */
export function medianInterval(values: readonly number[], coverage: number): [number, number] | null {
  // 2^-1074 is the smallest number; far fewer values than that are enough for any purpose here.
  const usable = values.slice(-MAX_INTERVAL_VALUES);
  const rank = medianRank(usable.length, coverage);
  if (rank === null) return null;
  const sorted = [...usable].sort((a, b) => a - b);
  return [sorted[rank - 1] ?? NaN, sorted[usable.length - rank] ?? NaN];
}

/** Beyond this many values the binomial's first term is no longer a number; the latest are taken. */
export const MAX_INTERVAL_VALUES = 1000;
