import type { StepReport } from '../report/model.ts';
import type { SoakSection, Trend } from '../report/sections.ts';
import { median } from './statistics.ts';
import { MIN_POINTS, pool, theilSen, thinned } from './theil-sen.ts';
import type { Point } from './theil-sen.ts';

/** A rise over the judged part of the run that matters: `floor` in the series' unit, and `share` of where it began. */
export type Matter = { floor: number; share: number };

/** 8 MiB is what Node's collector leaves lying about in a process that leaks nothing. */
export const MEMORY_MATTERS: Matter = { floor: 8, share: 0.05 };
/** Connections come and go by a few. */
export const DESCRIPTORS_MATTER: Matter = { floor: 5, share: 0.05 };
/** The margins of a gate. */
export const P50_MATTERS: Matter = { floor: 0.3, share: 0.1 };
export const P99_MATTERS: Matter = { floor: 1, share: 0.2 };
export const LOOP_DELAY_MATTERS: Matter = { floor: 1, share: 0.2 };

/** What was sampled of one figure; `at` in hours. */
export type Series = {
  name: string;
  unit: string;
  matters: Matter;
  points: readonly Point[];
  /** The warm-up is left out already. */
  isWarm?: boolean;
};

/** Of the run, the part that is warm-up: connections are opened, code is compiled, the heap finds its size. */
export const WARM_UP_SHARE = 0.2;
/** A leak goes on: the later half must rise by at least this part of the whole's slope. Settling does not. */
const LATE_SLOPE_SHARE = 0.5;
/** "Flat" is said only where the figure would not rise by what matters in this time, however short the run was. */
const HORIZON_HOURS = 1;
/** `first` and `last` are medians of this part of the points. */
const EDGE_SHARE = 0.1;

/**
 * Where a figure is going: the Theil–Sen slope after the first fifth of the run is discarded, with Sen's interval over
 * points that were thinned until they no longer resemble their neighbours (`thinned`).
 *
 * `rising` (or `falling`), where all of this holds: the interval excludes 0; the slope over the judged time comes to
 * what matters; the later half alone still has at least half of that slope, since a cache that fills and a heap that
 * finds its size rise too, and stop. `flat`, where the interval's upper end stays below what matters, over an hour at
 * least: a rise that matters is excluded. `unknown` otherwise: too short, or too noisy.
 */
export function trendOf({ name, unit, matters, points, isWarm = false }: Series): Trend {
  const judged = isWarm ? points : withoutWarmUp(points);
  const { points: kept } = thinned(judged);
  const line = theilSen(kept);
  const edge = Math.max(1, Math.ceil(EDGE_SHARE * judged.length));
  const first = median(judged.slice(0, edge).map(({ value }) => value));
  const last = median(judged.slice(-edge).map(({ value }) => value));
  const base = { name, unit, first: rounded(first), last: rounded(last) };
  if (line?.ci95 == null) return { ...base, slopePerHour: rounded(line?.slope ?? 0), ci95: null, verdict: 'unknown' };
  const [low, high] = line.ci95;
  const hours = (judged.at(-1)?.at ?? 0) - (judged[0]?.at ?? 0);
  const limit = Math.max(matters.floor, matters.share * Math.abs(first));
  const change = line.slope * hours;
  const goesOn = isGoingOn(kept, line.slope);
  const isUp = low > 0 && change >= limit && goesOn;
  const isDown = high < 0 && -change >= limit && goesOn;
  const isFlat = high * Math.max(hours, HORIZON_HOURS) < limit;
  const verdict = isUp ? 'rising' : isDown ? 'falling' : isFlat ? 'flat' : 'unknown';
  return { ...base, slopePerHour: rounded(line.slope), ci95: [rounded(low), rounded(high)], verdict };
}

export function withoutWarmUp(points: readonly Point[]): Point[] {
  const start = points[0]?.at ?? 0;
  const from = start + WARM_UP_SHARE * ((points.at(-1)?.at ?? 0) - start);
  return points.filter(({ at }) => at >= from);
}

function isGoingOn(points: readonly Point[], slope: number): boolean {
  const late = theilSen(points.slice(Math.floor(points.length / 2)));
  return late !== null && late.slope / slope >= LATE_SLOPE_SHARE;
}

/**
 * Does it last? `isLeaking` true with any series that rises; null where none does but one is unknown (or there is
 * none); false where all are known.
 */
export function judgeSoak(series: readonly Series[]): SoakSection {
  const trends = series.map((each) => trendOf(each));
  const rising = trends.filter(({ verdict }) => verdict === 'rising');
  const unknown = trends.filter(({ verdict }) => verdict === 'unknown');
  const isLeaking = rising.length > 0 ? true : unknown.length > 0 || trends.length === 0 ? null : false;
  return { trends, isLeaking, sentence: sentenceOf(trends, rising, unknown) };
}

/** How many figures a sentence names. */
const MAX_NAMES = 3;

function sentenceOf(trends: readonly Trend[], rising: readonly Trend[], unknown: readonly Trend[]): string {
  if (rising.length > 0) return `It does not last: ${rising.map((trend) => riseOf(trend)).join('; ')}.`;
  if (trends.length === 0) return 'Nothing could be followed for long enough to say whether it lasts.';
  if (unknown.length > 0) {
    const names = unknown.slice(0, MAX_NAMES).map(({ name }) => name);
    const more = unknown.length > MAX_NAMES ? ` and ${unknown.length - MAX_NAMES} more` : '';
    return `Nothing rises for certain, but the run was too short or too noisy to tell for ${names.join('; ')}${more}.`;
  }
  return `It lasts: none of ${trends.length} figures rises by anything that matters.`;
}

function riseOf({ name, unit, slopePerHour, first, last, ci95 }: Trend): string {
  const interval = ci95 === null ? '' : ` (${digits(ci95[0])} to ${digits(ci95[1])})`;
  return `${name} rises by ${digits(slopePerHour)} ${unit} an hour${interval}, from ${digits(first)} to ${digits(last)}`;
}

/** Three significant digits, without zeros at the end. */
function digits(value: number): string {
  return Number(value.toPrecision(3)).toString();
}

/** The smallest value of each of `windows` equal parts: of a heap that saws, what is left after its collections. */
export function lowestOf(points: readonly Point[], windows: number): Point[] {
  const size = Math.ceil(points.length / windows);
  if (size <= 1) return [...points];
  return Array.from({ length: Math.floor(points.length / size) }, (_, index) => {
    const window = points.slice(index * size, (index + 1) * size);
    return window.reduce((lowest, each) => (each.value < lowest.value ? each : lowest));
  });
}

/** The windows of `lowestOf` that are enough for a trend and still hold several collections each. */
export const HEAP_WINDOWS = 4 * MIN_POINTS;

/** To four significant digits; 0 of what is no number, as the median of nothing. */
function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : 0;
}

/** Of a run's latency: at most this many intervals, each the median of its seconds. */
const INTERVALS = 240;
const S_PER_HOUR = 3600;
/** A second that is cut off, or in which hardly anybody answered, says nothing of its percentiles. */
const MIN_SECOND_S = 0.5;
const MIN_ANSWERS = 5;

/** Latency over the run, of each arm: p50 and p99 of the seconds, pooled to at most 240 intervals; `at` in hours. */
export function latencySeries(steps: readonly StepReport[]): Series[] {
  let startS = 0;
  const seconds = steps.flatMap((step) => {
    const own = step.seconds.map((second) => ({ ...second, atS: startS + second.atS }));
    startS += step.durationS;
    return own;
  });
  return (['tunnel', 'direct'] as const).flatMap((arm) => {
    const points = (metric: 'p50' | 'p99'): Point[] => {
      const all = seconds.flatMap(({ atS, lengthS, arms }) => {
        const second = arms[arm];
        if (second === undefined || lengthS < MIN_SECOND_S || second.ok + second.failed < MIN_ANSWERS) return [];
        return [{ at: atS / S_PER_HOUR, value: second[metric] }];
      });
      return pool(all, Math.ceil(all.length / INTERVALS));
    };
    const name = arm === 'tunnel' ? 'latency' : 'latency of the backend alone';
    return [
      { name: `${name}, p50`, unit: 'ms', matters: P50_MATTERS, points: points('p50') },
      { name: `${name}, p99`, unit: 'ms', matters: P99_MATTERS, points: points('p99') },
    ].filter((each) => each.points.length > 0);
  });
}
