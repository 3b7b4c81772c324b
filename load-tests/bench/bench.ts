/**
 * `npm run bench`: the tunnel's CPU per request against the bare sketch's, in one run on one machine.
 *
 *   node load-tests/bench/bench.ts [--only sketch|sallyport] [--seconds 5] [--rounds 5] [--connections 50,200]
 *     [--baseline CHECKOUT] [--backend URL] [--path /loadtest/ping] [--generator wrk|builtin] [--json FILE]
 *
 * Both stand before the same backend and are driven in turn (A-B-B-A). CPU is user and system time of whole processes.
 * With --baseline the tunnel of another checkout (installed by `npm ci`) stands in the sketch's place.
 */
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { Processes } from './arms.ts';
import { connectionsOf, windowPlan } from './options.ts';
import { interruptible, readFlags, runMain, sayOnStderr, UsageError } from './script.ts';
import { armRow, pairedRatio, ratioRow, summarise, tunnelCpuUs } from './summary.ts';
import { alternate, peakMemory } from './windows.ts';
import type { Plan, Target, Window } from './windows.ts';

const FLAGS = {
  only: { type: 'string' },
  seconds: { type: 'string', default: '5' },
  rounds: { type: 'string', default: '5' },
  connections: { type: 'string', default: '50,200' },
  baseline: { type: 'string' },
  backend: { type: 'string' },
  path: { type: 'string', default: '/loadtest/ping' },
  generator: { type: 'string' },
  json: { type: 'string' },
} as const;

async function main(signal: AbortSignal): Promise<number> {
  const flags = readFlags(FLAGS);
  if (flags.only !== undefined && flags.only !== 'sketch' && flags.only !== 'sallyport') {
    throw new UsageError(`--only is sketch or sallyport, not ${JSON.stringify(flags.only)}`);
  }
  const plan = await windowPlan(flags);
  const connections = flags.connections.split(',').map((text) => connectionsOf(text));
  const processes = new Processes();
  try {
    const targets = await startTargets(processes, flags);
    const results = [];
    for (const each of connections) results.push(await compare(targets, { ...plan, connections: each }, signal));
    const peakRssBytes = Object.fromEntries(targets.map((target) => [target.name, peakMemory(target)]));
    const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, loadAverage: loadavg() };
    const report = { schema: 'sallyport.bench/1', machine, plan, path: flags.path, results, peakRssBytes };
    if (flags.json !== undefined) await writeFile(flags.json, `${JSON.stringify(report, null, 2)}\n`);
    return results.some(({ arms }) => arms.some(({ failed }) => failed > 0)) ? 1 : 0;
  } finally {
    await processes.stop();
  }
}

interface Arms {
  readonly only?: string | undefined;
  readonly baseline?: string | undefined;
  readonly backend?: string | undefined;
  readonly path: string;
}

async function startTargets(
  processes: Processes,
  { only, baseline, backend: backendUrl, path }: Arms,
): Promise<Target[]> {
  const backend = backendUrl === undefined ? await processes.startBackend() : { url: backendUrl };
  const arms = [];
  if (baseline !== undefined) {
    const command = join(baseline, 'node_modules/.bin/sallyport');
    arms.push({ ...(await processes.startSallyport(backend.url, { command })), name: 'baseline' });
  } else if (only !== 'sallyport') arms.push(await processes.startSketch(backend.url));
  if (only !== 'sketch') arms.push(await processes.startSallyport(backend.url));
  const backendPid = 'pid' in backend ? { backend: backend.pid } : {};
  return arms.map(({ name, url, pids }) => ({ name, url: url + path, pids: { ...pids, ...backendPid } }));
}

async function compare(targets: readonly Target[], plan: Plan, signal: AbortSignal) {
  sayOnStderr(`${plan.connections} connections, ${plan.rounds} rounds of A-B-B-A, ${plan.seconds} s each`);
  const pairs = await alternate(targets, plan, signal, (window) => sayOnStderr(`  ${armRow(summarise([window]))}`));
  const arms = targets.map((_, index) => summarise(pairs.map((pair) => pair[index] as Window)));
  const ratio = pairedRatio(pairs, tunnelCpuUs);
  const [first, second] = targets.map(({ name }) => name);
  process.stdout.write(`${plan.connections} connections\n`);
  for (const arm of arms) process.stdout.write(`  ${armRow(arm)}\n`);
  if (ratio !== undefined) process.stdout.write(`  ${ratioRow(`CPU, ${second} to ${first}:`, ratio)}\n`);
  return { connections: plan.connections, arms, ratio, pairs };
}

await runMain(interruptible(main));
