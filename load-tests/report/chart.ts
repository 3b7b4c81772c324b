import type { ArmName } from './model.ts';

/** What an axis counts; the reader's figures and the ticks follow from it. */
export type AxisKind = 'rate' | 'ms' | 'seconds' | 'nines' | 'number';
export type Axis = { label: string; kind: AxisKind; isLog: boolean };
/** Colours have names, since light and dark differ; no meaning rests on them alone. */
export type Colour = ArmName | 'error' | 'plain';
/** One line; `isBold` for the tail, `dash` for which arm it is. Null where there is no value. */
export type Line = {
  label: string;
  colour: Colour;
  isBold: boolean;
  /** Lengths of dash and gap in turn; empty for a line without gaps. */
  dash: number[];
  mark: 'dot' | 'cross' | 'none';
  /** Crosses and dots without a line between them. */
  isScattered: boolean;
  values: (number | null)[];
};
/** One of several pictures on the same axes, chosen by the reader; most charts have one. */
export type View = { label: string; xs: number[]; lines: Line[] };
/** A place on the x axis, or a stretch of it. */
export type Span = { from: number; to: number; label: string };
/** A chart as plain data: for the page's own drawing, and for `report.svg`. */
export type Chart = { id: string; title: string; note: string; x: Axis; y: Axis; views: View[]; spans: Span[] };

/** A logarithmic axis shows more from this ratio of its ends on. */
const LOG_FROM_RATIO = 10;

/** The arms apart without their colours. */
const DASHES: Readonly<Record<ArmName, readonly number[]>> = {
  tunnel: [],
  direct: [6, 4],
  baseline: [2, 3],
  control: [10, 3, 2, 3],
  twin: [12, 5],
};

/** `arm`'s line of a percentile or another figure: dashed in the arm’s own way, bold for the tail. */
export function line(arm: ArmName, figure: string, values: (number | null)[], mark: Line['mark'] = 'dot'): Line {
  return {
    label: `${arm} ${figure}`,
    colour: arm,
    isBold: figure === 'p99',
    dash: [...DASHES[arm]],
    mark,
    isScattered: false,
    values,
  };
}

export function valuesIn(views: readonly View[]): number[] {
  return views.flatMap(({ lines }) => lines.flatMap(({ values }) => values.filter((value) => value !== null)));
}

export function isWide(values: readonly number[]): boolean {
  const positive = values.filter((value) => value > 0);
  return positive.length > 0 && maxOf(positive) / minOf(positive) >= LOG_FROM_RATIO;
}

/** Not `Math.max(...)`, whose arguments are limited. */
function maxOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}

function minOf(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}
