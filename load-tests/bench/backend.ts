/**
 * `npm run bench:backend`: the test backend's fixed answers against the least that node:http can do, `res.end(buffer)`
 * with the same body: is the backend ever what slows a load test down?
 *
 *   node load-tests/bench/backend.ts [--seconds 2] [--rounds 5] [--connections 50] [--path /loadtest/ping]
 *     [--generator wrk|builtin]
 *
 * Prints the ratio of requests per second over paired windows and exits with 99 if it is under 0.95 beyond doubt, with
 * 3 if the interval leaves that open.
 */
import { Processes } from './arms.ts';
import { connectionsOf, windowPlan } from './options.ts';
import { interruptible, readFlags, runMain, sayOnStderr } from './script.ts';
import { pairedRatio, ratioRow } from './summary.ts';
import { alternate } from './windows.ts';

const LEAST_RATIO = 0.95;
const FLAGS = {
  seconds: { type: 'string', default: '2' },
  rounds: { type: 'string', default: '5' },
  connections: { type: 'string', default: '50' },
  path: { type: 'string', default: '/loadtest/ping' },
  generator: { type: 'string' },
} as const;

async function main(signal: AbortSignal): Promise<number> {
  const flags = readFlags(FLAGS);
  const plan = { ...(await windowPlan(flags)), connections: connectionsOf(flags.connections) };
  const processes = new Processes();
  try {
    const ours = await processes.startBackend();
    const body = await (await fetch(ours.url + flags.path)).text();
    const bare = await processes.startScript('bare-backend.ts', body);
    const targets = [
      { name: 'bare', url: `http://127.0.0.1:${bare.port}${flags.path}`, pids: { process: bare.pid } },
      { name: 'backend', url: ours.url + flags.path, pids: { process: ours.pid } },
    ];
    const pairs = await alternate(targets, plan, signal, ({ target, answers, cpuUsPerRequest }) => {
      const cpu = cpuUsPerRequest.process?.toFixed(2);
      sayOnStderr(`  ${target.padEnd(8)} ${Math.round(answers.requestsPerSecond)} requests/s, CPU ${cpu} us a request`);
    });
    const ratio = pairedRatio(pairs, ({ answers }) => answers.requestsPerSecond);
    const cpuRatio = pairedRatio(pairs, ({ cpuUsPerRequest }) => cpuUsPerRequest.process ?? Number.NaN);
    if (ratio === undefined || cpuRatio === undefined) return 1;
    process.stdout.write(`${ratioRow('requests/s, backend to bare:', ratio)}\n`);
    process.stdout.write(`${ratioRow('CPU a request, backend to bare:', cpuRatio)}\n`);
    return ratio.low >= LEAST_RATIO ? 0 : ratio.high < LEAST_RATIO ? 99 : 3;
  } finally {
    await processes.stop();
  }
}

await runMain(interruptible(main));
