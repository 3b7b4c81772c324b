import type { CurvePoint } from './model.ts';

/** Points per factor of ten in rarity: 0, 25, 43.8, 57.8, … 90, 92.5, … 99, … */
const POINTS_PER_NINE = 8;
/** As far as 99.999; rarer requests show in the maximum. */
const NINES = 5;

/**
 * A distribution as some forty points, evenly spaced on the axis that HdrHistogram's plots use, log10(1 / (1 − p)): as
 * many between 90 and 99 as between 99 and 99.9. It ends where one request of `count` is the rest, with the maximum as
 * its last point.
 * @param at milliseconds at a percentile, 0 to 100
 */
export function percentileCurve(at: (percentile: number) => number, count: number): CurvePoint[] {
  const points: CurvePoint[] = [];
  for (let index = 0; index <= NINES * POINTS_PER_NINE; index += 1) {
    const rarity = 10 ** (index / POINTS_PER_NINE);
    if (rarity > count) break;
    const percentile = Number((100 * (1 - 1 / rarity)).toFixed(5));
    points.push([percentile, at(percentile)]);
  }
  if (count > 0) points.push([100, at(100)]);
  return points;
}
