import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import type { LoadReport } from '../report/model.ts';

const CPU_LINE_STEAL = 8;
/** The first eight numbers of the line; `guest` and `guest_nice` behind them are in `user` and `nice` already. */
const CPU_LINE_END = 9;
const US_PER_MS = 1000;
const NS_PER_MS = 1e6;

/** Counters since boot, in ticks of the same length. */
export type StealCounters = { stealTicks: number; allTicks: number };

/** From the text of /proc/stat (proc(5)); null where it is of another form. */
export function parseSteal(procStat: string): StealCounters | null {
  const fields = /^cpu +(.*)$/m.exec(procStat)?.[0].split(/ +/);
  if (fields === undefined || fields.length < CPU_LINE_END) return null;
  const allTicks = fields.slice(1, CPU_LINE_END).reduce((sum, field) => sum + Number(field), 0);
  return { stealTicks: Number(fields[CPU_LINE_STEAL]), allTicks };
}

/** Milliseconds throttled, from a `cpu.stat` of cgroup v2 (`throttled_usec`) or v1 (`throttled_time`, ns). */
export function parseThrottledMs(cpuStat: string): number | null {
  const v2 = /^throttled_usec (\d+)$/m.exec(cpuStat)?.[1];
  if (v2 !== undefined) return Number(v2) / US_PER_MS;
  const v1 = /^throttled_time (\d+)$/m.exec(cpuStat)?.[1];
  return v1 === undefined ? null : Number(v1) / NS_PER_MS;
}

/** The `cpu.stat` files of this process's group, most likely first, from the text of /proc/self/cgroup (cgroups(7)). */
export function cpuStatFiles(procSelfCgroup: string): string[] {
  const v1 = /^\d+:(?:[^:\n]*,)?cpu(?:,[^:\n]*)?:(.*)$/m.exec(procSelfCgroup)?.[1];
  const v2 = /^0::(.*)$/m.exec(procSelfCgroup)?.[1];
  return [
    ...(v1 === undefined ? [] : [`/sys/fs/cgroup/cpu${v1}/cpu.stat`, '/sys/fs/cgroup/cpu/cpu.stat']),
    // In a container the path is the host's and the mount is the container's own.
    ...(v2 === undefined ? [] : [`/sys/fs/cgroup${v2}/cpu.stat`, '/sys/fs/cgroup/cpu.stat']),
  ];
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** What others took from this machine, read twice and subtracted. Null where the system does not tell. */
export type MachineSample = { steal: StealCounters | null; throttledMs: number | null };

export function sampleMachine(): MachineSample {
  const stat = read('/proc/stat');
  let throttledMs: number | null = null;
  for (const file of cpuStatFiles(read('/proc/self/cgroup') ?? '')) {
    const text = read(file);
    if (text === null) continue;
    throttledMs = parseThrottledMs(text);
    break;
  }
  return { steal: stat === null ? null : parseSteal(stat), throttledMs };
}

/** Percent of all CPU time stolen, and percent of `wallMs` spent throttled, between two samples. */
export function machineLoss(
  before: MachineSample,
  after: MachineSample,
  wallMs: number,
): { stealPercent: number | null; throttledPercent: number | null } {
  const ticks = (after.steal?.allTicks ?? 0) - (before.steal?.allTicks ?? 0);
  const stolen = (after.steal?.stealTicks ?? 0) - (before.steal?.stealTicks ?? 0);
  const knows = before.throttledMs !== null && after.throttledMs !== null;
  const throttledMs = (after.throttledMs ?? 0) - (before.throttledMs ?? 0);
  return {
    stealPercent: before.steal === null || after.steal === null || ticks <= 0 ? null : (100 * stolen) / ticks,
    throttledPercent: knows && wallMs > 0 ? (100 * throttledMs) / wallMs : null,
  };
}

export function describeMachine(): LoadReport['machine'] {
  const cores = cpus();
  return {
    cpus: cores.length,
    cpuModel: cores[0]?.model.trim() ?? 'unknown',
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    kernel: `${type()} ${release()}`,
  };
}
