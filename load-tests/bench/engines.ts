/**
 * `npm run bench:engines`: the embedded engine against k6, wrk and a closed loop of our own, before the test backend.
 *
 *   node load-tests/bench/engines.ts [--rates 1000,5000] [--seconds 5] [--rounds 3] [--connections 50]
 *     [--path /loadtest/ping] [--no-ceiling] [--json FILE]
 *
 * Open model at each rate, then each engine's own ceiling, then the closed loops. The generators take turns, so that
 * the ratios within one run count. CPU a request is what a longer run costs over one of a second, divided by the
 * requests it sends more: without what it takes to start.
 */
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { Processes } from './arms.ts';
import { agreementRow, ceilingOf, figureRow, HEAD, medianOf } from './engine-table.ts';
import type { EngineRow } from './engine-table.ts';
import { enginesHere, measure } from './engine-runs.ts';
import type { Contender, RunFigures, RunShape } from './engine-runs.ts';
import { hasWrk, HOW_TO_GET_WRK } from './generator.ts';
import { interruptible, readFlags, runMain, sayOnStderr, wholeNumber } from './script.ts';

const FLAGS = {
  rates: { type: 'string', default: '1000,5000' },
  seconds: { type: 'string', default: '5' },
  rounds: { type: 'string', default: '3' },
  connections: { type: 'string', default: '50' },
  path: { type: 'string', default: '/loadtest/ping' },
  'no-ceiling': { type: 'boolean', default: false },
  json: { type: 'string' },
} as const;
const SHORT_S = 1;
const MOST_RATE = 100_000;

type Round = { short: RunFigures; long: RunFigures };

async function main(signal: AbortSignal): Promise<number> {
  const flags = readFlags(FLAGS);
  const rates = flags.rates.split(',').map((text) => wholeNumber('rates', text, MOST_RATE));
  const rounds = wholeNumber('rounds', flags.rounds, 100);
  const seconds = wholeNumber('seconds', flags.seconds, 600);
  const connections = wholeNumber('connections', flags.connections, 400);
  const isWrkHere = await hasWrk();
  if (!isWrkHere) sayOnStderr(HOW_TO_GET_WRK);
  const contenders = enginesHere(isWrkHere);
  const processes = new Processes();
  try {
    const { url } = await processes.startBackend();
    const shape: RunShape = { url: url + flags.path, model: 'open', rate: 0, connections, seconds };
    const rows: EngineRow[] = [];
    process.stdout.write(HEAD);
    const open = contenders.filter(({ models }) => models.includes('open'));
    for (const rate of rates) rows.push(...(await compare(open, { ...shape, rate }, rounds, signal)));
    for (const contender of flags['no-ceiling'] ? [] : open) {
      const found = await ceilingOf((rate) => measure(contender, { ...shape, rate }, signal), Math.max(...rates));
      if (found !== null)
        rows.push(await say({ name: contender.name, model: 'ceiling', ...found, cpuUsPerRequest: null }));
    }
    rows.push(...(await compare(contenders, { ...shape, model: 'closed', rate: MOST_RATE }, rounds, signal)));
    const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, loadAverage: loadavg() };
    const report = { schema: 'sallyport.bench-engines/1', machine, seconds, rounds, connections, rows };
    if (flags.json !== undefined) await writeFile(flags.json, `${JSON.stringify(report, null, 2)}\n`);
    return rows.some(({ figures }) => figures.failed > 0) ? 1 : 0;
  } finally {
    await processes.stop();
  }
}

/** All contenders in turn, in an order that turns too; the first run of each is discarded. */
async function compare(
  contenders: readonly Contender[],
  shape: RunShape,
  rounds: number,
  signal: AbortSignal,
): Promise<EngineRow[]> {
  const short = { ...shape, seconds: SHORT_S };
  for (const contender of contenders) await measure(contender, short, signal);
  const taken = new Map<string, Round[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const brief = await measure(contender, short, signal);
      const long = await measure(contender, { ...shape, seconds: shape.seconds + SHORT_S }, signal);
      taken.get(contender.name)?.push({ short: brief, long });
      sayOnStderr(`  round ${round + 1} of ${rounds}, ${contender.name}: ${Math.round(long.achievedRate)} requests/s`);
    }
  }
  const rows: EngineRow[] = [];
  for (const { name } of contenders) {
    const all = taken.get(name) ?? [];
    const figures = medianOf(all.map(({ long }) => long));
    const cpuUsPerRequest = medianOf(all.map(({ short, long }) => ({ cost: marginalUs(short, long) }))).cost;
    const rate = shape.model === 'open' ? shape.rate : null;
    rows.push(await say({ name, model: shape.model, rate, figures, cpuUsPerRequest }));
  }
  if (shape.model === 'open') process.stdout.write(agreementRow(taken));
  return rows;
}

function marginalUs(short: RunFigures, long: RunFigures): number {
  return (long.cpuUs - short.cpuUs) / (long.requests - short.requests);
}

async function say(row: EngineRow): Promise<EngineRow> {
  process.stdout.write(figureRow(row));
  return row;
}

await runMain(interruptible(main));
