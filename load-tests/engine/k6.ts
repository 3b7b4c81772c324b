import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LoadError } from '../src/errors.ts';
import type { K6Plan } from '../k6/plan.ts';
import { armOf, stepsOf } from './k6-summary.ts';
import type { K6Metrics } from './k6-summary.ts';
import { k6Limits } from './k6-limits.ts';
import { bodyBytes } from './body.ts';
import { machineLoss, sampleMachine } from './machine.ts';
import type { Engine, EngineEnd, EngineEvents, EnginePlan } from './plan.ts';

const HOW_TO_GET_IT = 'go install go.k6.io/k6@v1.8.1, then put it on PATH or name it in SALLYPORT_K6';
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
  const { SALLYPORT_K6: named, PATH = '' } = environment;
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named;
    throw new LoadError('SP_LOAD_NO_K6', `SALLYPORT_K6=${named} is not an executable file; ${HOW_TO_GET_IT}`);
  }
  const folders = PATH.split(delimiter).filter((folder) => folder !== '');
  const found = folders.map((folder) => join(folder, 'k6')).find((file) => isExecutable(file));
  if (found !== undefined) return found;
  throw new LoadError('SP_LOAD_NO_K6', `there is no k6 on PATH; ${HOW_TO_GET_IT}`);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * k6 as the generator, for those who trust it or compare. It measures less: no lag below 2 ms (its clock counts whole
 * milliseconds), no per-second figures, no histograms; figures come when all is done.
 * @throws LoadError `SP_LOAD_NO_K6`
 */
export function k6Engine(): Engine {
  const binary = findK6();
  return { name: 'k6', run: (plan, events, signal) => runK6(binary, plan, events, signal) };
}

async function runK6(binary: string, plan: EnginePlan, events: EngineEvents, signal: AbortSignal): Promise<EngineEnd> {
  if (signal.aborted) return { error: null, totals: null };
  // The plan may hold credentials: a folder of mode 0700 that is gone afterwards.
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-k6-'));
  try {
    const summaryFile = join(folder, 'summary.json');
    const planFile = join(folder, 'plan.json');
    const body = bodyBytes(plan.arms[0]?.requests[0]?.body ?? null);
    const bodyFile = body === null ? null : join(folder, 'body');
    if (bodyFile !== null && body !== null) writeFileSync(bodyFile, body, { mode: PRIVATE_MODE });
    writeFileSync(planFile, JSON.stringify(toK6Plan(plan, bodyFile, summaryFile)), { mode: PRIVATE_MODE });
    const before = sampleMachine();
    const startMs = performance.now();
    const { code, lastWords } = await execute(binary, planFile, signal);
    if (!GOOD_EXITS.includes(code)) return broke(code, lastWords);
    const { metrics } = JSON.parse(readFileSync(summaryFile, 'utf8')) as { metrics: K6Metrics };
    const loss = machineLoss(before, sampleMachine(), performance.now() - startMs);
    const stopped = signal.aborted || code === INTERRUPTED || (code === THRESHOLDS_FAILED && plan.abortOnFail);
    for (const step of stepsOf(metrics, plan, loss, stopped)) events.onStep(step);
    const durationS = plan.steps.reduce((sum, step) => sum + step.durationS, 0);
    const tunnel = armOf(metrics, 'tunnel', 'all', durationS);
    const direct = armOf(metrics, 'direct', 'all', durationS);
    return { error: null, totals: { ...(tunnel && { tunnel }), ...(direct && { direct }) } };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function toK6Plan(plan: EnginePlan, bodyFile: string | null, summaryFile: string): K6Plan {
  const { steps, timeoutMs, warmUpS, maxInFlight, abortOnFail } = plan;
  const method = plan.arms[0]?.requests[0]?.method ?? 'GET';
  const arms = plan.arms.map(({ name, origin, requests }) => ({
    name,
    url: `${origin}${requests[0]?.path ?? '/'}`,
    headerSets: requests.map(({ headers }) => pairs(headers)),
  }));
  const limits = k6Limits(plan.limits);
  return { arms, steps, method, bodyFile, timeoutMs, warmUpS, maxInFlight, limits, abortOnFail, summaryFile };
}

function pairs(flat: string[]): Record<string, string> {
  const named: Record<string, string> = {};
  for (let index = 0; index + 1 < flat.length; index += 2) named[flat[index] ?? ''] = flat[index + 1] ?? '';
  return named;
}

function execute(
  binary: string,
  planFile: string,
  signal: AbortSignal,
): Promise<{ code: number | null; lastWords: string }> {
  return new Promise((resolve) => {
    const script = fileURLToPath(new URL('../k6/ramp.ts', import.meta.url));
    const child = spawn(binary, ['run', '--quiet', '--no-usage-report', '--no-color', '--address', '', script], {
      env: { ...process.env, SALLYPORT_K6_PLAN: planFile },
      stdio: ['ignore', 'ignore', 'pipe'],
      // Its own group: Ctrl-C would reach it beside our own signal, and a second one makes k6 drop its summary.
      detached: true,
    });
    const stop = (): void => void child.kill('SIGINT');
    signal.addEventListener('abort', stop, { once: true });
    let lastWords = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-MAX_STDERR_CHARS);
    });
    const done = (code: number | null, words: string): void => {
      signal.removeEventListener('abort', stop);
      resolve({ code, lastWords: words });
    };
    child.on('error', (error) => done(null, error.message));
    child.on('close', (code) => done(code, lastWords));
  });
}

function broke(code: number | null, lastWords: string): EngineEnd {
  const word = lastWords.trim().split('\n').at(-1) ?? '';
  return { error: { code: 'SP_LOAD_ENGINE', message: `k6 ended with ${code}: ${word}` }, totals: null };
}
