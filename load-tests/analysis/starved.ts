import type { GeneratorReport } from '../report/model.ts';

const PERCENT = 100;
/** An event loop that is busy for less than this part of the time is not asked: its figures are too small to compare. */
export const MIN_STARVED_BUSY = 0.1;
const MAX_CORE_SHARE_OF_BUSY = 0.5;

/**
 * Whether an event loop works without getting the CPU for it. A loop that is busy has its thread running or waiting to
 * run; the CPU time of its process is the first of these alone (and more, with other threads). So on a core of its own
 * CPU time is at least the busy time, and where it is under half, the thread waited for a core more than it had one.
 * @param busy share of wall time, 0 to 1
 * @param cores CPU time over wall time
 */
export function isStarved(busy: number, cores: number): boolean {
  return busy >= MIN_STARVED_BUSY && cores < MAX_CORE_SHARE_OF_BUSY * busy;
}

/** A process of the generator that works without getting the CPU for it; its share of busy time, and of a core. */
export function starvedProcess(generator: GeneratorReport): { busy: number; cores: number } | null {
  const { elu, cpuPercent, processes = [{ elu, cpuPercent }] } = generator;
  const known = processes.flatMap((each) =>
    each.elu === null || each.cpuPercent === null ? [] : [{ busy: each.elu, cores: each.cpuPercent / PERCENT }],
  );
  return known.find(({ busy, cores }) => isStarved(busy, cores)) ?? null;
}
