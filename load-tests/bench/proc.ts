/** What Linux says of a process in `/proc/<pid>/stat` and `/proc/<pid>/status` (proc(5)). Pure; no process is read. */

/** USER_HZ, the unit of `stat`'s times: 100 on every Linux architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
/** As proc(5) counts them; the first two are cut off. */
const FIRST_FIELD_LEFT = 3;
const USER_TIME_FIELD = 14;
const CHILDREN_USER_TIME_FIELD = 16;
const US_PER_TICK = 1_000_000 / TICKS_PER_SECOND;

export interface CpuTime {
  readonly userUs: number;
  readonly systemUs: number;
}

export interface Memory {
  /** VmRSS: resident now. */
  readonly rssBytes: number;
  /** VmHWM: the most that was ever resident. */
  readonly peakRssBytes: number;
}

/**
 * User and system time of all threads of the process, dead ones included, in steps of 10 ms: fields 14 and 15 of
 * `stat`. Field 2, the command, may hold spaces and brackets, so counting begins after the last bracket.
 * Undefined when the text is not a stat line.
 */
export function parseCpuTime(stat: string): CpuTime | undefined {
  return cpuTimeAt(stat, USER_TIME_FIELD);
}

/** The same of all children that have ended and were waited for, and of theirs: fields 16 and 17. */
export function parseEndedChildrenCpuTime(stat: string): CpuTime | undefined {
  return cpuTimeAt(stat, CHILDREN_USER_TIME_FIELD);
}

function cpuTimeAt(stat: string, userField: number): CpuTime | undefined {
  const commandEnd = stat.lastIndexOf(') ');
  if (commandEnd === -1) return undefined;
  const fields = stat.slice(commandEnd + 2).split(' ');
  const [userTicks, systemTicks] = fields.slice(userField - FIRST_FIELD_LEFT, userField - FIRST_FIELD_LEFT + 2);
  if (!isCount(userTicks) || !isCount(systemTicks)) return undefined;
  return { userUs: Number(userTicks) * US_PER_TICK, systemUs: Number(systemTicks) * US_PER_TICK };
}

/** Undefined when the lines are missing, as they are for a kernel thread and a zombie. */
export function parseMemory(status: string): Memory | undefined {
  const rssKiB = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  const peakKiB = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (rssKiB === undefined || peakKiB === undefined) return undefined;
  return { rssBytes: Number(rssKiB) * 1024, peakRssBytes: Number(peakKiB) * 1024 };
}

function isCount(text: string | undefined): text is string {
  return text !== undefined && /^\d+$/.test(text);
}
