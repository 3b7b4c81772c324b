import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Calibration } from '../report/evidence.ts';
import { embeddedEngine } from './embedded.ts';
import type { EnginePlan, StepMeasurement } from './plan.ts';
import { generatorsFor } from './shares.ts';
import { sibling } from './sibling.ts';

/** No calibration offers more, however high the plan goes: beyond this one process is no longer what carries it. */
const MAX_CALIBRATION_RATE = 20_000;
const HEADROOM = 2;
/** A null server that has not said its port by then will not; a busy machine takes a second or two. */
const START_WITHIN_MS = 15_000;
/** Code is compiled and connections are opened in a step before the one that counts. */
const SETTLE_S = 1;
const MEASURE_S = 2;
const US_PER_S = 1e6;
const PERCENT = 100;

/**
 * What the generator adds by itself: a null server on loopback loaded for about two seconds at twice the plan's top
 * rate over all arms, in plain HTTP/1.1, with as many processes as the plan would have. Null when it was interrupted
 * or could not be done; a calibration that fails must not fail the run.
 *
 * The server's process competes for the same processors, so on two of them the figures are a little pessimistic.
 */
export async function calibrate(plan: EnginePlan, signal: AbortSignal): Promise<Calibration | null> {
  if (signal.aborted) return null;
  const server = fork(fileURLToPath(sibling(import.meta.url, 'null-server')), { execArgv: [], stdio: 'ignore' });
  try {
    const port = await portOf(server, signal);
    return port === null ? null : await measure(nullPlan(plan, port), signal);
  } finally {
    server.kill('SIGKILL');
  }
}

/** Null when it ends before it says, or does not say in time. */
export async function portOf(
  server: ReturnType<typeof fork>,
  signal: AbortSignal,
  withinMs = START_WITHIN_MS,
): Promise<number | null> {
  const settled = new AbortController();
  const until = { signal: AbortSignal.any([signal, settled.signal, AbortSignal.timeout(withinMs)]) };
  try {
    const said = once(server, 'message', until).then(([message]) => (message as { port: number }).port);
    return await Promise.race([said, once(server, 'exit', until).then(() => null)]);
  } catch {
    return null;
  } finally {
    settled.abort();
  }
}

function nullPlan(plan: EnginePlan, port: number): EnginePlan {
  const topRate = Math.max(1, ...plan.steps.map(({ rate }) => rate)) / (plan.shard?.count ?? 1);
  const rate = Math.min(MAX_CALIBRATION_RATE, HEADROOM * topRate * plan.arms.length);
  return {
    ...plan,
    arms: [
      {
        name: 'tunnel',
        origin: `http://127.0.0.1:${port}`,
        requests: [{ method: 'GET', path: '/', headers: [], body: null }],
        protocol: 'http1',
        tls: null,
      },
    ],
    warmUpS: 0,
    steps: [SETTLE_S, MEASURE_S].map((durationS) => ({ rate, durationS })),
    generators: generatorsFor(plan),
    model: 'open',
    shard: null,
    trace: null,
    limits: [],
    abortOnFail: false,
  };
}

async function measure(plan: EnginePlan, signal: AbortSignal): Promise<Calibration | null> {
  const steps: StepMeasurement[] = [];
  const events = {
    onWarmUp: () => undefined,
    onProgress: () => undefined,
    onStep: (step: StepMeasurement) => void steps.push(step),
  };
  await embeddedEngine.run(plan, events, signal);
  const measured = steps[1];
  const arm = measured?.arms.tunnel;
  if (measured === undefined || arm === undefined || !measured.complete || arm.requests === 0) return null;
  const { lagP99Ms, cpuPercent } = measured.generator;
  return {
    rate: measured.rate,
    achievedRate: arm.achievedRate,
    lagP99Ms,
    serviceP50Ms: arm.serviceMs.p50,
    serviceP99Ms: arm.serviceMs.p99,
    cpuUsPerRequest: ((cpuPercent ?? 0) / PERCENT) * arm.elapsedS * (US_PER_S / arm.requests),
  };
}
