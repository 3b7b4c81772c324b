/**
 * `npm run bench:kill`: one of two clients is killed with -9 under load, again and again. How long does a request last
 * at most, and does each end as it must?
 *
 *   node system-tests/bench/kill.ts [--rounds 5] [--workers 16]
 *
 * Prints per round how the requests ended, and the longest of them: from the kill, or from its start where that came
 * later, to its end. Exits with 1 when one took over 1 s or ended as none may, or when a gauge is not back afterwards.
 */
import { readFlags, runMain, wholeNumber } from '../../load-tests/bench/script.ts';
import { Deployment } from '../harness/deployment.ts';
import { Load } from '../harness/load.ts';
import type { Outcome } from '../harness/load.ts';
import { tally, unsaved } from '../harness/load-outcomes.ts';
import { gaugesAtRest, settled } from '../harness/metrics.ts';
import type { Gauges } from '../harness/metrics.ts';

const END_LIMIT_MS = 1_000;
/** Then it is given up, and counts as hanging. */
const HANG_MS = 10_000;
const MOST_ROUNDS = 100;
const MOST_WORKERS = 400;
const CONCURRENCY = 10;
const REQUESTS_BEFORE = 200;
const REQUESTS_AFTER = 400;

interface Round {
  readonly outcomes: readonly Outcome[];
  readonly longestMs: number;
}

async function main(): Promise<number> {
  const options = { rounds: { type: 'string', default: '5' }, workers: { type: 'string', default: '16' } } as const;
  const flags = readFlags(options);
  const rounds = wholeNumber('rounds', flags.rounds, MOST_ROUNDS);
  const workers = wholeNumber('workers', flags.workers, MOST_WORKERS);
  const tunnel = await Deployment.start({ clients: 2, concurrency: CONCURRENCY });
  let isBroken = false;
  let longestMs = 0;
  try {
    const atRest = await gaugesAtRest(tunnel.admin);
    for (let i = 1; i <= rounds; i += 1) {
      const round = await killOne(tunnel, workers, atRest);
      const broken = unsaved(round.outcomes);
      isBroken ||= broken.length > 0 || round.longestMs > END_LIMIT_MS;
      longestMs = Math.max(longestMs, round.longestMs);
      say(`round ${i}: ${round.outcomes.length} requests, the longest ended after ${round.longestMs.toFixed(0)} ms`);
      for (const [how, count] of Object.entries(tally(round.outcomes))) say(`  ${String(count).padStart(5)} ${how}`);
      if (broken.length > 0) say(`  NOT as it must: ${JSON.stringify(tally(broken))}`);
    }
  } finally {
    await tunnel.stop();
  }
  say(`longest ${longestMs.toFixed(0)} ms; the limit is ${END_LIMIT_MS} ms; gauges are back where they began`);
  return isBroken ? 1 : 0;
}

/** The client that was killed is replaced, so that every gauge has its old value to come back to. */
async function killOne(tunnel: Deployment, workers: number, atRest: Gauges): Promise<Round> {
  const victim = tunnel.clients.shift()!;
  await using load = new Load(tunnel.url, workers, HANG_MS);
  await load.more(REQUESTS_BEFORE);
  const killedMs = performance.now();
  victim.command.signal('SIGKILL');
  await load.more(REQUESTS_AFTER);
  const outcomes = await load.stop();
  await tunnel.startClient();
  await settled(tunnel.admin, atRest);
  const after = outcomes.filter(({ endedMs }) => endedMs >= killedMs);
  const durations = after.map(({ startedMs, endedMs }) => endedMs - Math.max(startedMs, killedMs));
  return { outcomes, longestMs: Math.max(...durations) };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await runMain(main);
