/**
 * `npm run bench:telemetry`: what access logs and traces cost a request, in CPU of entry, server and client.
 *
 *   node load-tests/bench/telemetry.ts [--seconds 5] [--rounds 5] [--connections 50] [--sample-ratio 0.01]
 *     [--path /loadtest/ping] [--generator wrk|builtin] [--json FILE]
 *
 * One stack each with neither, with logs, with traces, with both, before one backend, driven in turn (A-B-C-D-D-C-B-A).
 * Logs go to a pipe that somebody reads, traces to a collector that takes them.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus } from 'node:os';
import { Processes } from './arms.ts';
import { connectionsOf, windowPlan } from './options.ts';
import { interruptible, readFlags, runMain, sayOnStderr, UsageError } from './script.ts';
import { armRow, differenceRow, pairedDifference, pairedRatio, ratioRow, summarise, tunnelCpuUs } from './summary.ts';
import { alternate } from './windows.ts';
import type { Target, Window } from './windows.ts';

const FLAGS = {
  seconds: { type: 'string', default: '5' },
  rounds: { type: 'string', default: '5' },
  connections: { type: 'string', default: '50' },
  'sample-ratio': { type: 'string', default: '0.01' },
  path: { type: 'string', default: '/loadtest/ping' },
  generator: { type: 'string' },
  json: { type: 'string' },
} as const;

/** Arms that export. */
const TRACED = ['traces', 'both'];
const LOGS = ['log.level=info', 'log.accessLog=true'];

async function main(signal: AbortSignal): Promise<number> {
  const flags = readFlags(FLAGS);
  const sampleRatio = Number(flags['sample-ratio']);
  if (!(sampleRatio > 0 && sampleRatio <= 1)) throw new UsageError('--sample-ratio is a number over 0, at most 1');
  const plan = { ...(await windowPlan(flags)), connections: connectionsOf(flags.connections) };
  const processes = new Processes();
  const collector = await startCollector();
  try {
    const targets = await startTargets(processes, collector, sampleRatio, flags.path);
    const pairs = await alternate(targets, plan, signal, (window) => sayOnStderr(`  ${armRow(summarise([window]))}`));
    const arms = targets.map((_, index) => summarise(pairs.map((pair) => pair[index]!)));
    const costs = targets.slice(1).flatMap((target, index) => costOf(target.name, pairs, index + 1));
    const exports = Object.fromEntries(collector.exports);
    const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length };
    const report = { schema: 'sallyport.bench-telemetry/1', machine, plan, sampleRatio, arms, costs, exports, pairs };
    if (flags.json !== undefined) await writeFile(flags.json, `${JSON.stringify(report, null, 2)}\n`);
    for (const name of TRACED) if (!collector.exports.has(name)) throw new Error(`no trace was exported by ${name}`);
    return arms.some(({ failed }) => failed > 0) ? 1 : 0;
  } finally {
    await processes.stop();
    collector.server.close();
    collector.server.closeAllConnections();
  }
}

async function startTargets(
  processes: Processes,
  { url: collectorUrl }: Collector,
  sampleRatio: number,
  path: string,
): Promise<Target[]> {
  const backend = await processes.startBackend();
  const traces = (name: string) => [`tracing.endpoint=${collectorUrl}/${name}`, `tracing.sampleRatio=${sampleRatio}`];
  const kinds = [
    { name: 'off', settings: ['log.accessLog=false'] },
    { name: 'logs', settings: LOGS },
    { name: 'traces', settings: ['log.accessLog=false', ...traces('traces')] },
    { name: 'both', settings: [...LOGS, ...traces('both')] },
  ];
  const targets: Target[] = [];
  for (const { name, settings } of kinds) {
    const { url, pids } = await processes.startSallyport(backend.url, { settings });
    targets.push({ name, url: url + path, pids: { ...pids, backend: backend.pid } });
  }
  return targets;
}

/** What the arm at `index` costs over the first, as a whole and in the entry, which alone logs requests and exports traces. */
function costOf(name: string, pairs: readonly (readonly Window[])[], index: number) {
  const twos = pairs.map((pair) => [pair[0]!, pair[index]!]);
  const figures = { tunnel: tunnelCpuUs, entry: ({ cpuUsPerRequest }: Window) => cpuUsPerRequest['entry'] ?? 0 };
  return Object.entries(figures).map(([part, figure]) => {
    const differenceUs = pairedDifference(twos, figure)!;
    const ratio = pairedRatio(twos, figure)!;
    process.stdout.write(`${differenceRow(`${name}, ${part}:`, differenceUs)}  ${ratioRow('ratio', ratio)}\n`);
    return { name, part, differenceUs, ratio };
  });
}

interface Collector {
  readonly url: string;
  readonly server: Server;
  /** By the first segment of the path. */
  readonly exports: ReadonlyMap<string, number>;
}

async function startCollector(): Promise<Collector> {
  const exports = new Map<string, number>();
  const server = createServer((request, response) => {
    const name = request.url!.split('/')[1]!;
    exports.set(name, (exports.get(name) ?? 0) + 1);
    request.resume().once('end', () => response.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, exports };
}

await runMain(interruptible(main));
