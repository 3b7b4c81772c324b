import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../src/find-program.ts';
import type { Wanted } from '../src/find-program.ts';
import { armOf, stepsOf } from '../k6/lib/summary.ts';
import type { K6Metrics } from '../k6/lib/summary.ts';
import { k6Surroundings, segmentFlags, toK6Plan } from './k6-plan.ts';
import { machineLoss, sampleMachine } from './machine.ts';
import { PlanClock } from './plan-clock.ts';
import type { Engine, EngineEnd, EngineEvents, EnginePlan } from './plan.ts';
import { sibling } from './sibling.ts';

const K6: Wanted = {
  names: ['k6'],
  variable: 'SALLYPORT_K6',
  code: 'SP_LOAD_NO_K6',
  fix: 'go install go.k6.io/k6@v1.8.1, then put it on PATH or name it in SALLYPORT_K6',
};
const PRIVATE_MODE = 0o600;
const MAX_STDERR_CHARS = 4000;
/** k6's exit codes that leave a summary behind. */
const DONE = 0;
const THRESHOLDS_FAILED = 99;
const INTERRUPTED = 105;
const GOOD_EXITS: readonly (number | null)[] = [DONE, THRESHOLDS_FAILED, INTERRUPTED];

/**
 * The k6 to run: `SALLYPORT_K6`, or the first on PATH.
 * @throws LoadError `SP_LOAD_NO_K6`, saying how to get it
 */
export function findK6(environment: NodeJS.ProcessEnv = process.env): string {
  return findProgram(K6, environment);
}

/**
 * k6 as the generator, for those who trust it or compare. It measures less: no per-second figures, percentiles in
 * place of histograms, no resumed TLS sessions (each connection is a full handshake); figures come when all is done. It ends with 99 where a
 * limit was exceeded, and for nothing else.
 * @throws LoadError `SP_LOAD_NO_K6`; from `run`, `SP_LOAD_OPTIONS` where k6 cannot do what the plan asks
 */
export function k6Engine(): Engine {
  const binary = findK6();
  return { name: 'k6', run: (plan, events, signal) => runK6(binary, plan, events, signal) };
}

async function runK6(binary: string, plan: EnginePlan, events: EngineEvents, signal: AbortSignal): Promise<EngineEnd> {
  if (signal.aborted) return { error: null, totals: null };
  // The plan may hold credentials: a folder of mode 0700 that is gone afterwards, however this process ends; where it is
  // killed outright, the keeper takes it away.
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-k6-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const clock = new PlanClock(plan, events);
  try {
    const k6Plan = toK6Plan(plan, folder);
    const planFile = join(folder, 'plan.json');
    writeFileSync(planFile, JSON.stringify(k6Plan), { mode: PRIVATE_MODE });
    const environment = k6Surroundings(plan, folder);
    const before = sampleMachine();
    const startMs = performance.now();
    const script = k6Plan.protocol === 'websocket' ? 'websocket.ts' : 'ramp.ts';
    const start = {
      folder,
      script,
      flags: segmentFlags(plan),
      environment: { ...environment, SALLYPORT_K6_PLAN: planFile },
    };
    const { code, lastWords } = await execute(binary, start, signal);
    if (!GOOD_EXITS.includes(code)) return broke(code, lastWords);
    const { metrics } = JSON.parse(readFileSync(k6Plan.summaryFile, 'utf8')) as { metrics: K6Metrics };
    const loss = machineLoss(before, sampleMachine(), performance.now() - startMs);
    const stopped = signal.aborted || code === INTERRUPTED || (code === THRESHOLDS_FAILED && plan.abortOnFail);
    for (const step of stepsOf(metrics, k6Plan, loss, stopped)) events.onStep(step);
    const durationS = plan.steps.reduce((sum, step) => sum + step.durationS, 0);
    const arms = plan.arms.map(({ name }) => [name, armOf(metrics, name, 'all', durationS)] as const);
    return { error: null, totals: Object.fromEntries(arms.filter(([, arm]) => arm !== null)) };
  } finally {
    clock.stop();
    process.off('exit', remove);
    remove();
  }
}

type Start = { folder: string; script: string; flags: string[]; environment: Record<string, string> };

function execute(
  binary: string,
  { folder, script, flags, environment }: Start,
  signal: AbortSignal,
): Promise<{ code: number | null; lastWords: string }> {
  return new Promise((resolve) => {
    const file = fileURLToPath(new URL(`../k6/${script}`, import.meta.url));
    const common = ['run', '--quiet', '--no-usage-report', '--no-color', '--address', ''];
    const command = [folder, binary, ...common, ...flags, file];
    const child = fork(fileURLToPath(sibling(import.meta.url, 'k6-keeper')), command, {
      execArgv: [],
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Its own group: Ctrl-C would reach k6 beside our own signal, and a second one makes it drop its summary.
      detached: true,
    });
    const release = endWith(child, signal);
    let lastWords = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-MAX_STDERR_CHARS);
    });
    const done = (code: number | null, words: string): void => {
      release();
      resolve({ code, lastWords: words });
    };
    child.on('error', (error) => done(null, error.message));
    child.on('close', (code) => done(code, lastWords));
  });
}

/** Has the keeper end k6 when asked to; that this process has ended it sees by itself. Returns the undoing. */
function endWith(child: ChildProcess, signal: AbortSignal): () => void {
  const stop = (): void => {
    // Where it has ended meanwhile there is nobody left to stop.
    if (child.connected) child.send('stop', () => {});
  };
  signal.addEventListener('abort', stop, { once: true });
  return () => signal.removeEventListener('abort', stop);
}

function broke(code: number | null, lastWords: string): EngineEnd {
  const word = lastWords.trim().split('\n').at(-1) ?? '';
  return { error: { code: 'SP_LOAD_ENGINE', message: `k6 ended with ${code}: ${word}` }, totals: null };
}
