/** The median of paired measurements and what may be said of it without assuming how they are distributed. */

export interface MedianInterval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Probability that the interval holds the true median: at least what was asked for, if there are values enough. */
  readonly coverage: number;
}

/**
 * Order statistics k and n+1−k of the sample: each value is over the true median with probability 1/2, so their number
 * is binomial and the interval misses with 2·P(Bin(n, 1/2) < k) (David and Nagaraja, Order Statistics, section 7.1).
 * k is the largest that keeps the confidence: 6th and 15th of 20. Under six values not even the extremes reach 95 %;
 * they are given all the same, with the coverage they have. Undefined for no values.
 */
export function medianInterval(values: readonly number[], confidence = 0.95): MedianInterval | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  if (count === 0) return undefined;
  let rank = 1;
  while (rank < count / 2 && 2 * binomialBelow(rank + 1, count) <= 1 - confidence) rank += 1;
  const at = (index: number): number => sorted[index] as number;
  return {
    median: (at(Math.floor((count - 1) / 2)) + at(Math.ceil((count - 1) / 2))) / 2,
    low: at(rank - 1),
    high: at(count - rank),
    coverage: 1 - Math.min(1, 2 * binomialBelow(rank, count)),
  };
}

/** P(Bin(count, 1/2) < limit). */
function binomialBelow(limit: number, count: number): number {
  let term = 0.5 ** count;
  let sum = 0;
  for (let successes = 0; successes < limit; successes += 1) {
    sum += term;
    term *= (count - successes) / (successes + 1);
  }
  return sum;
}
