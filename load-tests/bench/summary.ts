/** From windows to the figures that are printed and kept. Pure. */
import { PARTS } from './arms.ts';
import { medianInterval } from './interval.ts';
import type { MedianInterval } from './interval.ts';
import type { Window } from './windows.ts';

export interface ArmSummary {
  readonly name: string;
  /** Medians over the windows. */
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUsPerRequest: Readonly<Record<string, number>>;
  /** Of entry, server and client. */
  readonly tunnelCpuUs: number;
  /** Over all windows. */
  readonly failed: number;
}

/** Entry, server and client together: the price of the tunnel, without the backend's and the generator's. */
export function tunnelCpuUs(window: Window): number {
  return PARTS.reduce((sum, part) => sum + (window.cpuUsPerRequest[part] ?? 0), 0);
}

export function summarise(windows: readonly Window[]): ArmSummary {
  const names = Object.keys(windows[0]?.cpuUsPerRequest ?? {});
  return {
    name: windows[0]?.target ?? '',
    requestsPerSecond: median(windows.map(({ answers }) => answers.requestsPerSecond)),
    p50Ms: median(windows.map(({ answers }) => answers.p50Ms)),
    p99Ms: median(windows.map(({ answers }) => answers.p99Ms)),
    cpuUsPerRequest: Object.fromEntries(
      names.map((name) => [name, median(windows.map(({ cpuUsPerRequest }) => cpuUsPerRequest[name] ?? 0))]),
    ),
    tunnelCpuUs: median(windows.map(tunnelCpuUs)),
    failed: windows.reduce((sum, { answers }) => sum + answers.failed, 0),
  };
}

/** Second target over first, pair by pair, so that what slows the whole machine slows both and drops out. */
export function pairedRatio(
  pairs: readonly (readonly Window[])[],
  figure: (window: Window) => number,
): MedianInterval | undefined {
  return medianInterval(
    pairs.flatMap(([first, second]) =>
      first === undefined || second === undefined ? [] : [figure(second) / figure(first)],
    ),
  );
}

/** Second target less first, pair by pair. */
export function pairedDifference(
  pairs: readonly (readonly Window[])[],
  figure: (window: Window) => number,
): MedianInterval | undefined {
  return medianInterval(
    pairs.flatMap(([first, second]) =>
      first === undefined || second === undefined ? [] : [figure(second) - figure(first)],
    ),
  );
}

function median(values: readonly number[]): number {
  return medianInterval(values)?.median ?? Number.NaN;
}

export function armRow(arm: ArmSummary): string {
  const parts = Object.entries(arm.cpuUsPerRequest).map(([part, us]) => `${part} ${us.toFixed(1)}`);
  const figures = [
    arm.name.padEnd(10),
    `${Math.round(arm.requestsPerSecond)}`.padStart(7),
    `requests/s  p50 ${arm.p50Ms.toFixed(2)} ms  p99 ${arm.p99Ms.toFixed(2)} ms  CPU`,
    `${arm.tunnelCpuUs.toFixed(1)} us a request (${parts.join(', ')})`,
  ];
  return `${figures.join(' ')}${arm.failed > 0 ? `  FAILED ${arm.failed}` : ''}`;
}

export function ratioRow(label: string, { median, low, high, coverage }: MedianInterval): string {
  return `${label} ${median.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)}, ${(coverage * 100).toFixed(1)} %)`;
}

/** Microseconds. */
export function differenceRow(label: string, { median, low, high, coverage }: MedianInterval): string {
  return `${label} ${signed(median)} us a request (${signed(low)} to ${signed(high)}, ${(coverage * 100).toFixed(1)} %)`;
}

function signed(us: number): string {
  return `${us < 0 ? '' : '+'}${us.toFixed(2)}`;
}
