import type { AddedReport, ArmReport, SecondReport } from '../report/model.ts';
import { medianInterval } from './statistics.ts';

const COVERAGE = 0.95;
/** A second with fewer answers than this per arm says little about its median. */
const MIN_ANSWERS_PER_SECOND = 5;
/** The last second of a step may be a part of one. */
const MIN_SECOND_S = 0.5;

/**
 * What the tunnel adds to the direct path, in milliseconds.
 *
 * `p50` and `p99` are differences of the arms' percentiles over the step: what a visitor notices at that quantile. The
 * arms take turns request by request, so that whatever the machine does meanwhile meets both ("duet": Bulej, Horký,
 * Tůma et al., Duet Benchmarking, ICPE 2020). `ci95` is the distribution-free interval for the median of the per-second
 * differences of medians: each second is one pair, so that drift over the step cancels, and nothing is assumed about
 * how latencies are distributed. Null with fewer than six paired seconds.
 */
export function addedMs(tunnel: ArmReport, direct: ArmReport, seconds: readonly SecondReport[]): AddedReport {
  const differences: number[] = [];
  for (const { arms, lengthS } of seconds) {
    if (lengthS < MIN_SECOND_S || arms.tunnel === undefined || arms.direct === undefined) continue;
    const fewest = Math.min(arms.tunnel.ok + arms.tunnel.failed, arms.direct.ok + arms.direct.failed);
    if (fewest >= MIN_ANSWERS_PER_SECOND) differences.push(arms.tunnel.p50 - arms.direct.p50);
  }
  const interval = medianInterval(differences, COVERAGE);
  return {
    p50: round(tunnel.latencyMs.p50 - direct.latencyMs.p50),
    p99: round(tunnel.latencyMs.p99 - direct.latencyMs.p99),
    ci95: interval === null ? null : [round(interval[0]), round(interval[1])],
  };
}

/** To the microsecond, as the percentiles are. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
