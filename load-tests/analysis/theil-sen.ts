import type { Interval } from '../report/sections.ts';
import { median } from './statistics.ts';

/** A measured value at a time; the unit of time is the caller's, and the slope is per that unit. */
export type Point = { at: number; value: number };
export type Line = { slope: number; /** The line's value at time 0. */ intercept: number; ci95: Interval | null };

/** All pairs are looked at: 300 points are 45,000 pairs, a few milliseconds. Longer series are pooled to this. */
export const MAX_POINTS = 300;
/** Below this a series cannot be told from chance (the interval of 7 points spans all but the extreme slopes). */
export const MIN_POINTS = 8;
/** The two-sided 95 % point of the normal distribution. */
const Z95 = 1.96;
/** The one-sided one. */
const Z_ONE_SIDED_95 = 1.645;

/**
 * The Theil–Sen line: the median of the slopes of all pairs of points, and through the medians of what is left. Up to
 * 29 % of the points may be wild without moving it far. Null with fewer than two different times.
 *
 * `ci95` is Sen's distribution-free interval. Derivation: were b the true slope, then Kendall's
 * S = Σ sign((yⱼ − yᵢ) − b (tⱼ − tᵢ)) over the pairs would have mean 0 and variance n(n−1)(2n+5)/18, less
 * u(u−1)(2u+5)/18 for every group of u equal times. S is N less twice the number of pair slopes under b, N being the
 * number of pairs; so |S| ≤ C = 1.96 √Var holds exactly for b between the (N−C)/2-th and the ((N+C)/2 + 1)-th smallest
 * pair slope. Null with fewer than 8 points, where the normal distribution is a poor stand-in for that of S.
 * The points must be independent of each other: pool neighbours that are not (`thinned`).
 *
 * Source: Theil 1950; Sen, Estimates of the Regression Coefficient Based on Kendall's Tau, JASA 63 (1968) 1379–1389.
 */
export function theilSen(points: readonly Point[]): Line | null {
  const pooled = pool(points, Math.ceil(points.length / MAX_POINTS));
  const slopes = pairSlopes(pooled);
  if (slopes.length === 0) return null;
  const middle = slopes.length >> 1;
  const upper = slopes[middle] ?? NaN;
  const slope = slopes.length % 2 === 1 ? upper : ((slopes[middle - 1] ?? NaN) + upper) / 2;
  const intercept = median(pooled.map(({ at, value }) => value - slope * at));
  return { slope, intercept, ci95: pooled.length < MIN_POINTS ? null : senInterval(slopes, pooled) };
}

/** Rising. Numbers of one kind in one block: they sort several times faster than an array's. */
function pairSlopes(points: readonly Point[]): Float64Array {
  const slopes = new Float64Array((points.length * (points.length - 1)) / 2);
  let count = 0;
  for (const [index, a] of points.entries()) {
    for (let other = index + 1; other < points.length; other++) {
      const b = points[other] as Point;
      if (a.at !== b.at) slopes[count++] = (b.value - a.value) / (b.at - a.at);
    }
  }
  return slopes.subarray(0, count).sort();
}

function senInterval(sortedSlopes: Float64Array, points: readonly Point[]): Interval | null {
  const variance = kendallVariance(points.length) - tiedVariance(points);
  const half = Z95 * Math.sqrt(Math.max(0, variance));
  const pairs = sortedSlopes.length;
  const low = sortedSlopes[Math.floor((pairs - half) / 2) - 1];
  const high = sortedSlopes[Math.ceil((pairs + half) / 2)];
  return low === undefined || high === undefined ? null : [low, high];
}

const kendallVariance = (count: number): number => (count * (count - 1) * (2 * count + 5)) / 18;

function tiedVariance(points: readonly Point[]): number {
  const sizes = new Map<number, number>();
  for (const { at } of points) sizes.set(at, (sizes.get(at) ?? 0) + 1);
  return [...sizes.values()].reduce((sum, size) => sum + kendallVariance(size), 0);
}

/** Blocks of `size` neighbours, each as its median at its median time; a rest shorter than half a block is left out. */
export function pool(points: readonly Point[], size: number): Point[] {
  if (size <= 1) return [...points];
  const blocks: Point[] = [];
  for (let start = 0; start < points.length; start += size) {
    const block = points.slice(start, start + size);
    if (block.length * 2 < size) break;
    blocks.push({ at: median(block.map(({ at }) => at)), value: median(block.map(({ value }) => value)) });
  }
  return blocks;
}

/**
 * The series thinned until its points may pass for independent: neighbours are pooled into medians of 2, 4, 8 … until
 * what is left around the Theil–Sen line no longer resembles its neighbour (lag-1 autocorrelation r₁ under 1.645/√n, the
 * one-sided 95 % limit of white noise, Bartlett 1946), but never to fewer than 8 points. `isIndependent` is false where
 * even those resemble each other: the series moves too slowly for its length, or along a curve.
 *
 * Why: positive autocorrelation makes Sen's interval too narrow (a saw-tooth heap would often be called a leak);
 * pooling over longer than the series remembers takes it away at the price of points. The alternative, taking the
 * estimated r₁ out of the values, takes a part of a true trend with it (Yue & Wang 2002).
 */
export function thinned(points: readonly Point[]): { points: Point[]; isIndependent: boolean } {
  const first = Math.max(1, Math.ceil(points.length / MAX_POINTS));
  let kept = pool(points, first);
  for (let size = first; ; size *= 2) {
    const pooled = pool(points, size);
    if (pooled.length < MIN_POINTS) return { points: kept, isIndependent: false };
    kept = pooled;
    if (autocorrelation(residuals(pooled)) < Z_ONE_SIDED_95 / Math.sqrt(pooled.length)) {
      return { points: kept, isIndependent: true };
    }
  }
}

function residuals(points: readonly Point[]): number[] {
  const line = theilSen(points);
  return line === null ? [] : points.map(({ at, value }) => value - line.intercept - line.slope * at);
}

/** r₁ = Σ(xᵢ−x̄)(xᵢ₊₁−x̄) / Σ(xᵢ−x̄)²; 0 of a constant. */
export function autocorrelation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let product = 0;
  let square = 0;
  for (const [index, value] of values.entries()) {
    const next = values[index + 1];
    square += (value - mean) ** 2;
    if (next !== undefined) product += (value - mean) * (next - mean);
  }
  return square === 0 ? 0 : product / square;
}
