/**
 * `npm run bench:stall`: a visitor stalls in a 100 MB download; are 200 pings a second beside it slowed?
 *
 *   node load-tests/bench/stall.ts [--pairs 12] [--seconds 3] [--rate 200] [--downloads 1]
 *
 * Windows in pairs, with and without the stalled download, the order turning with every pair. Either kind begins with a
 * download that fills all buffers on the way, since that is what any download does to its neighbours; it is then held, or
 * let go. Prints p50 and p99 of either kind and the median of the paired differences with a distribution-free 95 %
 * interval. Exits with 1 when a ping failed or memory grew by more than 64 MB, with 99 when the pings are slowed beyond
 * doubt: the whole interval of the p50's difference lies over a tenth of the p50 without (0.1 ms at least).
 */
import { Processes } from './arms.ts';
import { growthBytes, growthRow, MemoryWatch } from './big-memory.ts';
import { medianInterval } from './interval.ts';
import { interruptible, readFlags, runMain, sayOnStderr, wholeNumber } from './script.ts';
import { Pinger, quantile } from './stall-pings.ts';
import { stalledDownload } from './stall-visitor.ts';

const DOWNLOAD_BYTES = 100_000_000;
const GROWTH_LIMIT_BYTES = 64_000_000;
const WARM_UP_MS = 2_000;
const LEAD_IN_MS = 500;
const WARM_UP_DOWNLOADS = 5;
const LEAST_SLOWING_MS = 0.1;
const FLAGS = {
  pairs: { type: 'string', default: '12' },
  seconds: { type: 'string', default: '3' },
  rate: { type: 'string', default: '200' },
  downloads: { type: 'string', default: '1' },
} as const;

interface Window {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: readonly string[];
}

interface Pair {
  readonly without: Window;
  readonly stalled: Window;
}

interface Plan {
  readonly url: string;
  readonly pairs: number;
  readonly windowMs: number;
  readonly rate: number;
  readonly downloads: number;
}

async function main(signal: AbortSignal): Promise<number> {
  const flags = readFlags(FLAGS);
  const plan = {
    pairs: wholeNumber('pairs', flags.pairs, 1_000),
    windowMs: wholeNumber('seconds', flags.seconds, 600) * 1_000,
    rate: wholeNumber('rate', flags.rate, 5_000),
    downloads: wholeNumber('downloads', flags.downloads, 300),
  };
  const processes = new Processes();
  try {
    const backend = await processes.startBackend();
    const { url, pids } = await processes.startSallyport(backend.url);
    const memory = new MemoryWatch({ ...pids, backend: backend.pid }, () => {});
    const pairs = await takePairs({ ...plan, url }, memory, signal);
    const growths = memory.stop();
    for (const growth of growths) say(growthRow(growth));
    const isFlat = growths.every((growth) => growthBytes(growth) <= GROWTH_LIMIT_BYTES);
    const failures = pairs.flatMap(({ without, stalled }) => [...without.failures, ...stalled.failures]);
    const causes = [...new Set(failures)].join(', ');
    say(
      `failed   ${failures.length} pings${causes === '' ? '' : ` (${causes})`}; memory ${isFlat ? 'flat' : 'NOT flat'}`,
    );
    const isSlowed = report(pairs);
    return failures.length > 0 || !isFlat ? 1 : isSlowed ? 99 : 0;
  } finally {
    await processes.stop();
  }
}

async function takePairs(plan: Plan, memory: MemoryWatch, signal: AbortSignal): Promise<Pair[]> {
  const pinger = new Pinger(`${plan.url}/loadtest/ping`);
  const pairs: Pair[] = [];
  try {
    await pinger.run(plan.rate, WARM_UP_MS);
    const short = { ...plan, windowMs: LEAD_IN_MS };
    for (let i = 0; i < WARM_UP_DOWNLOADS; i += 1) await takeWindow(short, pinger, true, signal);
    memory.warm();
    while (pairs.length < plan.pairs) {
      signal.throwIfAborted();
      const isStalledFirst = pairs.length % 2 === 1;
      const first = await takeWindow(plan, pinger, isStalledFirst, signal);
      const second = await takeWindow(plan, pinger, !isStalledFirst, signal);
      const pair = isStalledFirst ? { without: second, stalled: first } : { without: first, stalled: second };
      pairs.push(pair);
      sayOnStderr(`  pair ${pairs.length}: without ${row(pair.without)}, stalled ${row(pair.stalled)}`);
    }
  } finally {
    pinger.close();
  }
  return pairs;
}

async function takeWindow(plan: Plan, pinger: Pinger, isStalled: boolean, signal: AbortSignal): Promise<Window> {
  const target = `${plan.url}/loadtest/bytes/${DOWNLOAD_BYTES}`;
  const downloads = await Promise.all(Array.from({ length: plan.downloads }, () => stalledDownload(target, signal)));
  const letGo = () => {
    for (const each of downloads) each.resetAndDestroy();
  };
  try {
    if (!isStalled) letGo();
    // On connections that are warm, and what letting go costs is over.
    await pinger.run(plan.rate, LEAD_IN_MS);
    const { latenciesMs, failures } = await pinger.run(plan.rate, plan.windowMs);
    return { p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99), failures };
  } finally {
    letGo();
  }
}

/** Prints the comparison; true when the pings are slowed beyond doubt. */
function report(pairs: readonly Pair[]): boolean {
  let isSlowed = false;
  for (const key of ['p50Ms', 'p99Ms'] as const) {
    const without = medianInterval(pairs.map((pair) => pair.without[key]))!;
    const stalled = medianInterval(pairs.map((pair) => pair.stalled[key]))!;
    const added = medianInterval(pairs.map((pair) => pair.stalled[key] - pair.without[key]))!;
    const interval = `${ms(added.low)} to ${ms(added.high)} (${(added.coverage * 100).toFixed(1)} %)`;
    const medians = `${ms(without.median)} without, ${ms(stalled.median)} stalled`;
    say(`${key.slice(0, 3)}      ${medians}: ${ms(added.median)} more, ${interval}`);
    if (key === 'p50Ms') isSlowed = added.low > Math.max(LEAST_SLOWING_MS, without.median / 10);
  }
  say(`verdict  ${isSlowed ? 'SLOWED' : 'not slowed'} over ${pairs.length} pairs`);
  return isSlowed;
}

function row({ p50Ms, p99Ms }: Window): string {
  return `${ms(p50Ms)} / ${ms(p99Ms)}`;
}

function ms(value: number): string {
  return `${value.toFixed(3)} ms`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await runMain(interruptible(main));
