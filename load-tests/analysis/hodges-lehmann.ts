/** How far one sample lies from another where nothing pairs their values. */
import { median } from './statistics.ts';

/** Beyond this many values a side, as many are taken evenly from all: the differences grow with the product. */
export const MAX_SAMPLE = 500;
/** Up to this size of the smaller sample the null distribution is counted; beyond, its normal limit is close enough. */
const MAX_COUNTED = 30;
/** Of the normal distribution, for 95 %. */
const Z_95 = 1.959964;
const COVERAGE = 0.95;

/** `shift` is of `to` over `from`; `ci95` is null where the samples are too small for 95 % (under four a side, about). */
export type Shift = { shift: number; ci95: [low: number, high: number] | null };

/**
 * The shift between two unpaired samples: the median of all differences of a value of `to` and a value of `from`
 * (Hodges and Lehmann, Estimates of location based on rank tests, Ann. Math. Statist. 34, 1963), with the interval that
 * the Mann–Whitney test gives by inversion: NaN and null for an empty sample.
 *
 * Derivation: a shift d is not rejected as long as U(d), the number of the m·n differences that are over d, is neither
 * too small nor too large; U is the rank of d among the differences. So the interval runs from the k-th smallest to the
 * k-th largest difference, where k − 1 is the largest u with 2·P(U ≤ u) ≤ 5 % when both samples come from one
 * distribution. That distribution follows from counting alone and holds for every continuous one.
 * Source: Conover, Practical Nonparametric Statistics, 3rd ed., §5.4. Values are taken as independent; seconds of one
 * run are so only roughly, and the interval then is somewhat too narrow.
 */
export function hodgesLehmann(from: readonly number[], to: readonly number[]): Shift {
  const [first, second] = [thin(from), thin(to)];
  const differences = second.flatMap((high) => first.map((low) => high - low)).sort((a, b) => a - b);
  const rank = mannWhitneyRank(first.length, second.length);
  const ci95: Shift['ci95'] =
    rank === null ? null : [differences[rank - 1] ?? NaN, differences[differences.length - rank] ?? NaN];
  return { shift: median(differences), ci95 };
}

/** k of `hodgesLehmann`, counted from 1, for samples of `m` and `n` values; null where even the extremes do not cover. */
export function mannWhitneyRank(m: number, n: number): number | null {
  const small = Math.min(m, n);
  if (small === 0) return null;
  const below = small > MAX_COUNTED ? normalRank(m, n) : countedRank(small, Math.max(m, n));
  return below < 1 ? null : below;
}

/**
 * The number of arrangements with U = u obeys c(m, n, u) = c(m−1, n, u−n) + c(m, n−1, u), by whether the largest of all
 * values is one of the m or of the n (Mann and Whitney 1947). Kept as probabilities, so that nothing overflows.
 */
function countedRank(m: number, n: number): number {
  // Only the lower tail is asked for; U is symmetric about m·n/2.
  const size = Math.floor((m * n) / 2) + 1;
  let previous = Array.from({ length: n + 1 }, () => pointAtZero(size));
  for (let i = 1; i <= m; i++) {
    const row = [pointAtZero(size)];
    for (let j = 1; j <= n; j++) row.push(nextCounts(previous[j] as Float64Array, row[j - 1] as Float64Array, i, j));
    previous = row;
  }
  const probabilities = previous[n] as Float64Array;
  let cumulated = 0;
  let rank = 0;
  while (rank < size) {
    cumulated += probabilities[rank] ?? 0;
    if (2 * cumulated > 1 - COVERAGE) break;
    rank += 1;
  }
  return rank;
}

function pointAtZero(size: number): Float64Array {
  const point = new Float64Array(size);
  point[0] = 1;
  return point;
}

/** The largest of `i + j` values is one of the `i` with probability i / (i + j), and then over all `j`. */
function nextCounts(fewerFirst: Float64Array, fewerSecond: Float64Array, i: number, j: number): Float64Array {
  const counts = new Float64Array(fewerFirst.length);
  for (let u = 0; u < counts.length; u++) {
    counts[u] = (i * (u >= j ? (fewerFirst[u - j] ?? 0) : 0) + j * (fewerSecond[u] ?? 0)) / (i + j);
  }
  return counts;
}

/** U has mean m·n/2 and variance m·n·(m+n+1)/12. */
function normalRank(m: number, n: number): number {
  return Math.floor((m * n) / 2 - Z_95 * Math.sqrt((m * n * (m + n + 1)) / 12));
}

/** Evenly from all, so that a drift stays in the sample. */
function thin(values: readonly number[]): readonly number[] {
  if (values.length <= MAX_SAMPLE) return values;
  return Array.from(
    { length: MAX_SAMPLE },
    (_, index) => values[Math.floor((index * values.length) / MAX_SAMPLE)] ?? NaN,
  );
}
