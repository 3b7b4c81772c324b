/**
 * `npm run bench:what-if`: the queueing model behind `load capacity` against the real thing: the tunnel with 10 and with 20 slots in front of a
 * backend that takes 20 ms, Poisson arrivals at a few rates, and the mean of the queue hop as it was measured beside what
 * `meanWaitMs` says. For a quiet machine.
 *
 *   node load-tests/bench/what-if.ts [--seconds 20] [--slots 10,20]
 */
import { holdOf, whatIf } from '../analysis/what-if.ts';
import { embeddedEngine } from '../engine/embedded.ts';
import { columns, ms } from '../report/format.ts';
import { hopMoments, measureOne } from '../src/measure.ts';
import { prepare } from '../src/options.ts';
import { Processes } from './arms.ts';
import { interruptible, readFlags, runMain, sayOnStderr, wholeNumber } from './script.ts';

const BACKEND_MS = 20;
/** Shares of what the slots could carry if nothing else took time; each number of slots is also asked the others' rates. */
const UTILISATIONS = [0.5, 0.7, 0.8, 0.9] as const;
const MAX_UTILISATION = 0.95;
const MAX_SECONDS = 600;
const MAX_SLOTS = 100;
const WARM_UP_S = 2;
const MS_PER_S = 1000;
/** Poisson arrivals. */
const ARRIVAL_SCV = 1;

/** `lagP99Ms` is the generator's: a machine that was not quiet shows in it, and in a hold far over 20 ms. */
type Row = {
  slots: number;
  rate: number;
  holdMs: number;
  holdScv: number;
  lagP99Ms: number;
  measuredMs: number;
  modelMs: number | null;
};

async function main(signal: AbortSignal): Promise<number> {
  const flags = readFlags({
    seconds: { type: 'string', default: '20' },
    slots: { type: 'string', default: '10,20' },
  });
  const seconds = wholeNumber('seconds', flags.seconds, MAX_SECONDS);
  const slots = flags.slots.split(',').map((each) => wholeNumber('slots', each, MAX_SLOTS));
  const rows: Row[] = [];
  const rates = slots.flatMap((each) => UTILISATIONS.map((share) => Math.round(share * capacityOf(each))));
  const rising = [...new Set(rates)].sort((a, b) => a - b);
  for (const each of slots) rows.push(...(await measureSlots(each, rising, seconds, signal)));
  process.stdout.write(tableOf(rows));
  return 0;
}

function capacityOf(slots: number): number {
  return (slots * MS_PER_S) / BACKEND_MS;
}

/** A stack with that many slots, loaded at each rate that it can carry. */
async function measureSlots(slots: number, rates: number[], seconds: number, signal: AbortSignal): Promise<Row[]> {
  const processes = new Processes();
  try {
    const backend = await processes.startBackend();
    const { url } = await processes.startSallyport(backend.url, { concurrency: slots });
    const rows: Row[] = [];
    for (const rate of rates.filter((each) => each < MAX_UTILISATION * capacityOf(slots))) {
      const row = await measureRate(`${url}/loadtest/delay/${BACKEND_MS}`, rate, slots, seconds, signal);
      rows.push(row);
      sayOnStderr(`${slots} slots, ${rate}/s: queue ${ms(row.measuredMs)} ms, model ${modelText(row.modelMs)}`);
    }
    return rows;
  } finally {
    await processes.stop();
  }
}

async function measureRate(
  target: string,
  rate: number,
  slots: number,
  durationS: number,
  signal: AbortSignal,
): Promise<Row> {
  const { plan } = prepare({ target, rate, durationS, warmUpS: WARM_UP_S, arrivals: 'poisson' });
  const measurement = await measureOne(embeddedEngine, plan, signal);
  const hops = measurement === null ? null : hopMoments(measurement);
  if (measurement === null || hops === null) throw new Error('the run was stopped');
  const [measured, model] = whatIf([{ rate, hops }], slots, [], ARRIVAL_SCV);
  return {
    slots,
    rate,
    ...holdOf(hops),
    lagP99Ms: measurement.generator.lagP99Ms,
    measuredMs: measured?.queueMeanMs ?? 0,
    modelMs: model?.queueMeanMs ?? null,
  };
}

function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ slots, rate, holdMs, holdScv, lagP99Ms, measuredMs, modelMs }) => [
    `${slots}`,
    (rate / capacityOf(slots)).toFixed(2),
    `${rate}`,
    ms(holdMs),
    holdScv.toFixed(3),
    ms(lagP99Ms),
    ms(measuredMs),
    modelText(modelMs),
  ]);
  return columns([['slots', 'utilisation', 'rate/s', 'hold ms', 'hold CV²', 'lag p99', 'queue ms', 'model'], ...cells]);
}

function modelText(modelMs: number | null): string {
  return modelMs === null ? 'grows' : ms(modelMs);
}

await runMain(interruptible(main));
