/**
 * One closed-loop window of load: wrk where it is installed, otherwise a small process of our own, which uses more CPU
 * per request and so leaves less of it to what is measured. Compare only windows of the same generator.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type Generator = 'wrk' | 'builtin';

export interface WindowLoad {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface WindowAnswers {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were not 2xx or 3xx, and connections that broke or timed out. */
  readonly failed: number;
}

export const HOW_TO_GET_WRK =
  'wrk is not installed; using the built-in generator (for wrk: apt-get install wrk, brew install wrk)';
const UNIT_MS = { us: 0.001, ms: 1, s: 1000, m: 60_000 } as const;
const run = promisify(execFile);

export async function hasWrk(): Promise<boolean> {
  // It prints its version and exits with 1; without it there is an error code instead.
  return run('wrk', ['--version']).then(
    () => true,
    (error: { code?: unknown }) => error.code !== 'ENOENT',
  );
}

export async function generate(generator: Generator, load: WindowLoad, signal: AbortSignal): Promise<WindowAnswers> {
  const { url, connections, seconds } = load;
  if (generator === 'wrk') {
    const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url], { signal });
    const answers = parseWrk(stdout);
    if (answers === undefined) throw new Error(`wrk said what we cannot read:\n${stdout}`);
    return answers;
  }
  const script = join(import.meta.dirname, 'closed-loop.ts');
  const { stdout } = await run(process.execPath, [script, url, String(connections), String(seconds)], { signal });
  return JSON.parse(stdout) as WindowAnswers;
}

/** Reads the report of `wrk --latency` 4.x; undefined when it is none. */
export function parseWrk(report: string): WindowAnswers | undefined {
  const requests = /^\s*(\d+) requests in /m.exec(report)?.[1];
  const rate = /^Requests\/sec:\s+([\d.]+)$/m.exec(report)?.[1];
  const p50Ms = latencyMs(report, '50');
  const p99Ms = latencyMs(report, '99');
  if (requests === undefined || rate === undefined || p50Ms === undefined || p99Ms === undefined) return undefined;
  const broken = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report)?.slice(1) ?? [];
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1] ?? '0';
  const failed = [refused, ...broken].reduce((sum, count) => sum + Number(count), 0);
  return { requests: Number(requests), requestsPerSecond: Number(rate), p50Ms, p99Ms, failed };
}

function latencyMs(report: string, percentile: string): number | undefined {
  const found = new RegExp(`^\\s*${percentile}%\\s+([\\d.]+)(us|ms|s|m)\\s*$`, 'm').exec(report);
  return found === null ? undefined : Number(found[1]) * UNIT_MS[found[2] as keyof typeof UNIT_MS];
}
