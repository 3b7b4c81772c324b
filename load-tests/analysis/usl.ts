import type { UslFit } from '../report/sections.ts';

/** Three parameters, and one point at least to contradict them. */
const MIN_POINTS = 4;
/** A fit that explains less of the throughput's variance than this is none. */
const MIN_R_SQUARED = 0.8;
/** A κ under this puts the peak beyond any number in flight that a machine can hold. */
const NONE = 1e-9;
/** Pivots under this are zero: the columns are of length 1. */
const SINGULAR = 1e-12;

/** Requests in flight on average, and requests per second that were carried with it. */
export type UslPoint = { concurrency: number; ratePerS: number };

/**
 * Gunther's universal scalability law, X(N) = λN / (1 + σ(N−1) + κN(N−1)): λ what one alone would get, σ the share that
 * waits for something shared, κ the price of keeping each informed of every other, which makes throughput fall.
 *
 * Derivation of the fit: N/X = 1/λ + (σ/λ)(N−1) + (κ/λ)N(N−1) is linear in a = 1/λ, b = σ/λ, c = κ/λ. By Little's law
 * N/X is the mean response time, so the law says how latency grows with what is in flight. Least squares of the
 * relative error (each row divided by its N/X, since a load test's errors are a share of the value), with b, c ≥ 0: both
 * are tried free and held at 0, and the best that is allowed is taken, which is the exact solution of so small a
 * non-negative problem (Lawson & Hanson 1974, ch. 23, by enumeration). R² is that of the throughput. The peak is at
 * N* = √((1−σ)/κ), null where κ is 0 or σ ≥ 1.
 *
 * Only for points on both sides of a knee: below it X = λ'N fits anything, and what is beyond is guesswork. Null with
 * fewer than four different concurrencies, or where it explains under 80 % of the throughput.
 *
 * Source: Gunther, Guerrilla Capacity Planning (2007), ch. 4–6; A General Theory of Computational Scalability (2008).
 */
export function fitUsl(points: readonly UslPoint[]): UslFit | null {
  const usable = points.filter(({ concurrency, ratePerS }) => concurrency > 0 && ratePerS > 0);
  if (new Set(usable.map(({ concurrency }) => concurrency)).size < MIN_POINTS) return null;
  const fits = [[0, 1, 2], [0, 1], [0, 2], [0]].flatMap((columns) => solve(usable, columns) ?? []);
  const best = fits.sort((a, b) => a.error - b.error)[0];
  if (best === undefined) return null;
  const [a = 0, b = 0, c = 0] = best.coefficients;
  const fit = { lambda: 1 / a, sigma: b / a, kappa: c / a };
  const rSquared = explained(usable, fit);
  return rSquared < MIN_R_SQUARED ? null : { ...fit, peakRate: peakOf(fit), rSquared };
}

type Law = Pick<UslFit, 'lambda' | 'sigma' | 'kappa'>;

/** Throughput at `n` in flight. */
export function uslRate({ lambda, sigma, kappa }: Law, n: number): number {
  return (lambda * n) / (1 + sigma * (n - 1) + kappa * n * (n - 1));
}

function peakOf(law: Law): number | null {
  if (law.kappa < NONE || law.sigma >= 1) return null;
  return uslRate(law, Math.sqrt((1 - law.sigma) / law.kappa));
}

/** The fit with only `columns` free; null where one of them comes out negative. */
function solve(points: readonly UslPoint[], columns: number[]): { coefficients: number[]; error: number } | null {
  const rows = points.map(({ concurrency: n, ratePerS: x }) => [1, n - 1, n * (n - 1)].map((each) => (each * x) / n));
  const picked = rows.map((row) => columns.map((column) => row[column] ?? 0));
  const solution = leastSquares(picked);
  if (solution === null || solution.some((each) => each < 0) || (solution[0] ?? 0) <= 0) return null;
  const coefficients = [0, 0, 0];
  for (const [index, column] of columns.entries()) coefficients[column] = solution[index] ?? 0;
  const error = rows.reduce((sum, row) => sum + (dot(row, coefficients) - 1) ** 2, 0);
  return { coefficients, error };
}

/** Solves row · x ≈ 1 for all rows, by the normal equations: three unknowns at most, scaled to unit columns first. */
function leastSquares(rows: readonly number[][]): number[] | null {
  const size = rows[0]?.length ?? 0;
  const scale = Array.from({ length: size }, (_, j) => Math.hypot(...rows.map((row) => row[j] ?? 0)) || 1);
  const scaled = rows.map((row) => row.map((each, j) => each / (scale[j] ?? 1)));
  const matrix = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => scaled.reduce((sum, row) => sum + (row[i] ?? 0) * (row[j] ?? 0), 0)),
    scaled.reduce((sum, row) => sum + (row[i] ?? 0), 0),
  ]);
  return eliminate(matrix)?.map((each, j) => each / (scale[j] ?? 1)) ?? null;
}

/** Gauss–Jordan with pivots, on a matrix with its right side as last column. Null where it is singular. */
function eliminate(matrix: number[][]): number[] | null {
  const size = matrix.length;
  for (let column = 0; column < size; column++) {
    const rest = matrix.slice(column).sort((a, b) => Math.abs(b[column] ?? 0) - Math.abs(a[column] ?? 0));
    matrix.splice(column, rest.length, ...rest);
    const pivot = matrix[column] ?? [];
    const head = pivot[column] ?? 0;
    if (Math.abs(head) < SINGULAR) return null;
    for (const [index, row] of matrix.entries()) {
      if (index === column) continue;
      const factor = (row[column] ?? 0) / head;
      matrix[index] = row.map((each, j) => each - factor * (pivot[j] ?? 0));
    }
  }
  return matrix.map((row, i) => (row[size] ?? 0) / (row[i] ?? 1));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, each, index) => sum + each * (b[index] ?? 0), 0);
}

function explained(points: readonly UslPoint[], law: Law): number {
  const mean = points.reduce((sum, { ratePerS }) => sum + ratePerS, 0) / points.length;
  const all = points.reduce((sum, { ratePerS }) => sum + (ratePerS - mean) ** 2, 0);
  const left = points.reduce((sum, { concurrency, ratePerS }) => sum + (ratePerS - uslRate(law, concurrency)) ** 2, 0);
  return all === 0 ? 0 : 1 - left / all;
}
