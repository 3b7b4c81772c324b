import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, type } from 'node:os';

/** What is read, by the name people know it under: the first file that is there, and what of it counts. */
const SOURCES: readonly { name: string; files: readonly string[]; pattern: RegExp }[] = [
  { name: 'clock', files: ['/sys/devices/system/clocksource/clocksource0/current_clocksource'], pattern: /^(\S+)/ },
  { name: 'governor', files: ['/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'], pattern: /^(\S+)/ },
  // v2: "quota period" or "max period"; v1: microseconds, -1 for none.
  {
    name: 'cgroup CPU quota',
    files: ['/sys/fs/cgroup/cpu.max', '/sys/fs/cgroup/cpu/cpu.cfs_quota_us'],
    pattern: /^(.+)/,
  },
  {
    name: 'cgroup memory limit',
    files: ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'],
    pattern: /^(\S+)/,
  },
  { name: 'allowed CPUs', files: ['/proc/self/status'], pattern: /^Cpus_allowed_list:\s*(\S+)/m },
  { name: 'open files', files: ['/proc/self/limits'], pattern: /^Max open files\s+(\S+)/m },
  { name: 'local ports', files: ['/proc/sys/net/ipv4/ip_local_port_range'], pattern: /^(.+)/ },
  { name: 'listen backlog', files: ['/proc/sys/net/core/somaxconn'], pattern: /^(\S+)/ },
];

/** This machine as far as it bears on a load test, name to value; what the system does not tell is left out. */
export function fingerprint(): Record<string, string> {
  const found: Record<string, string> = {
    kernel: `${type()} ${release()}`,
    CPUs: `${availableParallelism()} of ${cpus().length}`,
    'load average before': loadavg()
      .map((each) => each.toFixed(2))
      .join(' '),
    node: process.version,
  };
  for (const { name, files, pattern } of SOURCES) {
    const value = files.map((file) => pattern.exec(read(file))?.[1]).find((each) => each !== undefined);
    if (value !== undefined) found[name] = value.trim().replaceAll(/\s+/g, ' ');
  }
  return found;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
