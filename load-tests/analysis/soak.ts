import type { Verdict } from '../report/model.ts';
import type { SoakSection, Trend } from '../report/sections.ts';
import { MIN_FAILED_SHARE, MIN_FAILURES } from './failing.ts';
import type { Failures } from './paired.ts';
import { median } from './statistics.ts';
import { MIN_POINTS, theilSen, thinned } from './theil-sen.ts';
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
/** Percent of the requests; the least that counts as failing anywhere. */
export const FAILED_MATTERS: Matter = { floor: 0.2, share: 0 };

/** What was sampled of one figure; `at` in hours. */
export type Series = {
  name: string;
  unit: string;
  matters: Matter;
  points: readonly Point[];
  /** The warm-up is left out already. */
  isWarm?: boolean;
  /** The name of the tunnel's series of which this is the backend's alone: no rise of the tunnel's. */
  beside?: string;
};

/** Of the run, the part that is warm-up: connections are opened, code is compiled, the heap finds its size. */
export const WARM_UP_SHARE = 0.2;
/** A leak goes on: the later half must rise by at least this part of the whole's slope. Settling does not. */
const LATE_SLOPE_SHARE = 0.5;
/** And where neighbours resemble each other, so must each third. */
const THIRDS = 3;
/** "Flat" is said only where the figure would not rise by what matters in this time, however short the run was. */
const HORIZON_HOURS = 1;
const HALF = 0.5;
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
 *
 * A series that still resembles its neighbours when thinned to a few points has no interval that could be believed: a
 * random walk without drift drifts for hours. It is `rising` or `falling` only where each third alone has at least half
 * of the slope as well, and `flat` only where all of its values lie closer together than what matters.
 */
export function trendOf({ name, unit, matters, points, isWarm = false }: Series): Trend {
  const judged = isWarm ? points : withoutWarmUp(points);
  const { points: kept, isIndependent } = thinned(judged);
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
  const goesOn = isGoingOn(kept, line.slope) && (isIndependent || isSteady(judged, line.slope));
  const isUp = low > 0 && change >= limit && goesOn;
  const isDown = high < 0 && -change >= limit && goesOn;
  const horizonHours = Math.max(hours, HORIZON_HOURS);
  const isFlat = isIndependent ? high * horizonHours < limit : (spanOf(judged) * horizonHours) / hours < limit;
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

function isSteady(points: readonly Point[], slope: number): boolean {
  const size = Math.ceil(points.length / THIRDS);
  return Array.from({ length: THIRDS }, (_, index) => points.slice(index * size, (index + 1) * size)).every((third) => {
    const line = theilSen(third);
    return line !== null && line.slope / slope >= LATE_SLOPE_SHARE;
  });
}

function spanOf(points: readonly Point[]): number {
  const values = points.map(({ value }) => value).sort((a, b) => a - b);
  return (values.at(-1) ?? NaN) - (values[0] ?? NaN);
}

/** What a soak is judged by beside its series: the tunnel's failures (dropped arrivals among them), and the verdict. */
export type SoakFacts = { failures: Failures; verdict: Pick<Verdict, 'fault' | 'sentence'> };

/**
 * Does it last? `isLeaking` true with any series that rises; null where none does but one is unknown (or there is
 * none); false where all are known. A latency that rises as the backend's own does is the backend's: null.
 * `isFailing`: three requests and 0.2 % of all, or more, were not answered well, or the verdict names a fault of tunnel
 * or backend; then it does not last, whatever the series do. "It lasts" is said only with the verdict `none`, and
 * nothing at all (`isLeaking` null) where the generator was not fit.
 */
export function judgeSoak(series: readonly Series[], facts: SoakFacts): SoakSection {
  const trends = series.map((each) => trendOf(each));
  const named = (name: string | undefined): Trend | undefined => trends.find((trend) => trend.name === name);
  const backends = trends.filter((trend, index) => isRising(trend) && series[index]?.beside !== undefined);
  const explained = series.flatMap(({ name, beside }) => {
    const [own, tunnel] = [named(name), named(beside)];
    const isMost = (own?.slopePerHour ?? 0) >= HALF * (tunnel?.slopePerHour ?? 0);
    return isRising(own) && isRising(tunnel) && isMost ? [tunnel] : [];
  });
  const rising = trends.filter((each) => isRising(each) && !backends.includes(each) && !explained.includes(each));
  const unknown = trends.filter(({ verdict }) => verdict === 'unknown');
  const { fault } = facts.verdict;
  const isOpen = unknown.length > 0 || backends.length > 0 || trends.length === 0 || fault === 'inconclusive';
  const isSpoilt = fault === 'generator';
  const isLeaking = isSpoilt ? null : rising.length > 0 ? true : isOpen ? null : false;
  const isFailing = !isSpoilt && (isNotAnswering(facts.failures) || fault === 'tunnel' || fault === 'backend');
  return { trends, isLeaking, isFailing, sentence: sentenceOf({ trends, rising, unknown, backends, facts }) };
}

const isRising = (trend: Trend | undefined): boolean => trend?.verdict === 'rising';

function isNotAnswering({ failed, offered }: Failures): boolean {
  return failed >= MIN_FAILURES && failed >= MIN_FAILED_SHARE * offered;
}

/** How many figures a sentence names. */
const MAX_NAMES = 3;

type Findings = Record<'trends' | 'rising' | 'unknown' | 'backends', readonly Trend[]> & { facts: SoakFacts };

function sentenceOf({ trends, rising, unknown, backends, facts: { failures, verdict } }: Findings): string {
  const rises = rising.map((trend) => riseOf(trend));
  if (verdict.fault === 'generator') {
    const seen = rises.length === 0 ? '' : ` (${rises.join('; ')})`;
    return `No verdict on whether it lasts: the generator or its machine was not fit to tell${seen}.`;
  }
  const { failed, offered } = failures;
  const share = digits((100 * failed) / offered);
  const notAnswered = `${failed} of ${offered} requests (${share} %) were not answered well`;
  const isNot = isNotAnswering(failures);
  if (isNot || rises.length > 0) return `It does not last: ${[...(isNot ? [notAnswered] : []), ...rises].join('; ')}.`;
  if (verdict.fault !== 'none') return `It is not said to last: ${verdict.sentence}`;
  const some = failed === 0 ? '' : `; ${notAnswered}`;
  if (backends.length > 0) {
    return `The backend alone, and not the tunnel, does not last: ${backends.map((each) => riseOf(each)).join('; ')}${some}.`;
  }
  if (trends.length === 0) return `Nothing could be followed for long enough to say whether it lasts${some}.`;
  if (unknown.length > 0) {
    const names = unknown.slice(0, MAX_NAMES).map(({ name }) => name);
    const more = unknown.length > MAX_NAMES ? ` and ${unknown.length - MAX_NAMES} more` : '';
    return `Nothing rises for certain, but the run was too short or too noisy to tell for ${names.join('; ')}${more}${some}.`;
  }
  return `It lasts: none of ${trends.length} figures rises by anything that matters${some}.`;
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
