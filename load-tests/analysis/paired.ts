/** Differences of two arms that took turns, window by window. */
import type { ArmName, ArmReport, StepReport } from '../report/model.ts';
import type { PairedDifference } from '../report/sections.ts';
import { median, medianInterval } from './statistics.ts';

const COVERAGE = 0.95;
/** With fewer answers than this a window says little about its median, and nothing about its tail. */
export const MIN_ANSWERS = 20;

export type Metric = PairedDifference['metric'];

/**
 * The windows of a duet that count: whole, and answered by all `arms`. A window is a step; all have the same rate. A
 * window is left out for what it lacks and never for what it shows.
 */
export function usableWindows(steps: readonly StepReport[], arms: readonly ArmName[]): StepReport[] {
  return steps.filter((step) => step.complete && arms.every((arm) => (step.arms[arm]?.requests ?? 0) >= MIN_ANSWERS));
}

/** A percentile of one arm, window by window, milliseconds. */
export function seriesOf(windows: readonly StepReport[], arm: ArmName, metric: Metric): number[] {
  return windows.map(({ arms }) => arms[arm]?.latencyMs[metric] ?? NaN);
}

/** `arm` less `other` in each window, milliseconds. */
export function differencesOf(windows: readonly StepReport[], arm: ArmName, other: ArmName, metric: Metric): number[] {
  const others = seriesOf(windows, other, metric);
  return seriesOf(windows, arm, metric).map((value, index) => value - (others[index] ?? NaN));
}

/**
 * What one arm takes longer than another at a percentile: the median over the windows of the difference within each,
 * and its distribution-free 95 % interval (`medianInterval`; the 6th to the 15th of 20), null under six windows.
 *
 * The arms take turns request by request, so that whatever the machine does meanwhile meets both alike and goes out in
 * the difference ("duet": Bulej, Horký, Tůma, Farquet and Prokopec, Duet Benchmarking, ICPE 2020). The median over
 * windows leaves single disturbed ones without weight, and the interval assumes no distribution (Conover, §3.2).
 * Differences, and not ratios: a ratio to a tenth of a millisecond says nothing.
 */
export function pairedDifference(
  windows: readonly StepReport[],
  arm: ArmName,
  other: ArmName,
  metric: Metric,
): PairedDifference {
  return summarized(metric, differencesOf(windows, arm, other, metric));
}

/** Differences of windows or blocks, as the report gives them. */
export function summarized(metric: Metric, differences: readonly number[]): PairedDifference {
  const interval = medianInterval(differences, COVERAGE);
  return {
    metric,
    medianMs: roundMs(median(differences)),
    ci95: interval === null ? null : [roundMs(interval[0]), roundMs(interval[1])],
  };
}

/** Arrivals that were not answered well, dropped ones among them, of all that were offered. */
export type Failures = { failed: number; offered: number };

/** Over all windows and these arms together. */
export function failuresOf(windows: readonly StepReport[], ...names: ArmName[]): Failures {
  const reports = windows.flatMap(({ arms }) => names.flatMap((name) => arms[name] ?? []));
  const sum = (read: (report: ArmReport) => number): number => reports.reduce((total, each) => total + read(each), 0);
  const offered = sum(({ requests, dropped }) => requests + dropped);
  return { failed: offered - sum(({ ok }) => ok), offered };
}

/** 0 to 1; 0 where nothing was offered. */
export function shareOf({ failed, offered }: Failures): number {
  return offered === 0 ? 0 : failed / offered;
}

/** The part of an arm's arrivals that were not answered well over all windows, 0 to 1; 0 where it never had any. */
export function failedShare(windows: readonly StepReport[], arm: ArmName): number {
  return shareOf(failuresOf(windows, arm));
}

/** To the microsecond, as the percentiles are. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
