/** One run of each generator against one address, and what it cost. */
import { readFileSync } from 'node:fs';
import { embeddedEngine } from '../engine/embedded.ts';
import { k6Engine } from '../engine/k6.ts';
import type { Engine, EngineEvents, EnginePlan, StepMeasurement } from '../engine/plan.ts';
import { generate } from './generator.ts';
import { parseEndedChildrenCpuTime } from './proc.ts';

export type RunShape = { url: string; model: 'open' | 'closed'; rate: number; connections: number; seconds: number };

/** Milliseconds; `lagP99Ms` and `serviceP50Ms` are null where the generator does not tell. */
export type RunFigures = {
  requests: number;
  failed: number;
  dropped: number;
  achievedRate: number;
  lagP99Ms: number | null;
  serviceP50Ms: number | null;
  p50Ms: number;
  p99Ms: number;
  /** Of the generator's processes from their start to their end. */
  cpuUs: number;
};

export type Contender = {
  name: string;
  models: readonly RunShape['model'][];
  run(shape: RunShape, signal: AbortSignal): Promise<Omit<RunFigures, 'cpuUs'>>;
};

const WARM_UP_S = 1;
const TIMEOUT_MS = 10_000;
const MAX_IN_FLIGHT = 2000;

export function engineContender(name: string, engine: Engine): Contender {
  return { name, models: ['open', 'closed'], run: (shape, signal) => runEngine(engine, shape, signal) };
}

export function closedContender(name: string, generator: 'wrk' | 'builtin'): Contender {
  return {
    name,
    models: ['closed'],
    run: async ({ url, connections, seconds }, signal) => {
      const answers = await generate(generator, { url, connections, seconds }, signal);
      const { requests, failed, requestsPerSecond: achievedRate, p50Ms, p99Ms } = answers;
      return { requests, failed, dropped: 0, achievedRate, lagP99Ms: null, serviceP50Ms: null, p50Ms, p99Ms };
    },
  };
}

export function enginesHere(hasWrk: boolean): Contender[] {
  return [
    engineContender('embedded', embeddedEngine),
    engineContender('k6', k6Engine()),
    ...(hasWrk ? [closedContender('wrk', 'wrk')] : []),
    closedContender('closed loop', 'builtin'),
  ];
}

/** CPU is that of the children that ended meanwhile: nothing else may end in this process at the same time. */
export async function measure(contender: Contender, shape: RunShape, signal: AbortSignal): Promise<RunFigures> {
  const before = endedChildrenCpuUs();
  const figures = await contender.run(shape, signal);
  return { ...figures, cpuUs: endedChildrenCpuUs() - before };
}

function endedChildrenCpuUs(): number {
  const time = parseEndedChildrenCpuTime(readFileSync('/proc/self/stat', 'latin1'));
  return time === undefined ? Number.NaN : time.userUs + time.systemUs;
}

async function runEngine(engine: Engine, shape: RunShape, signal: AbortSignal): Promise<Omit<RunFigures, 'cpuUs'>> {
  let step: StepMeasurement | null = null;
  const events: EngineEvents = {
    onWarmUp: () => undefined,
    onProgress: () => undefined,
    onStep: (measured) => {
      step = measured;
    },
  };
  const { error } = await engine.run(planOf(shape), events, signal);
  const arm = (step as StepMeasurement | null)?.arms.tunnel;
  if (error !== null || arm === undefined) throw new Error(`${engine.name}: ${error?.message ?? 'nothing measured'}`);
  const { requests, failed, dropped, achievedRate, lagMs, serviceMs, latencyMs } = arm;
  return {
    requests,
    failed,
    dropped,
    achievedRate,
    lagP99Ms: shape.model === 'open' ? lagMs.p99 : null,
    serviceP50Ms: serviceMs.p50,
    p50Ms: latencyMs.p50,
    p99Ms: latencyMs.p99,
  };
}

function planOf({ url, model, rate, connections, seconds }: RunShape): EnginePlan {
  const { origin, pathname } = new URL(url);
  const request = { method: 'GET', path: pathname, headers: [], body: null };
  return {
    arms: [{ name: 'tunnel', origin, requests: [request], protocol: 'http1', tls: null }],
    timeoutMs: TIMEOUT_MS,
    warmUpS: WARM_UP_S,
    arrivals: 'uniform',
    seed: 1,
    steps: [{ rate, durationS: seconds }],
    maxInFlight: MAX_IN_FLIGHT,
    limits: [],
    abortOnFail: false,
    model,
    connections,
  };
}
