import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromGenerator, ToGenerator } from './messages.ts';
import { STOP_GRACE_MS } from './step-run.ts';
import type { Engine, EngineEnd, EngineEvents, EnginePlan } from './plan.ts';
import { sibling } from './sibling.ts';

/** How much of a dying generator's last words is kept. */
const MAX_STDERR_CHARS = 4000;
/** A stopped generator that has not ended by then is killed. */
const KILL_AFTER_MS = STOP_GRACE_MS + 4000;

/**
 * The generator in a process of its own: what it measures must not wait behind what it measures with, and its CPU can
 * be told apart.
 */
export const embeddedEngine: Engine = {
  name: 'embedded',
  run: runEmbedded,
};

async function runEmbedded(plan: EnginePlan, events: EngineEvents, signal: AbortSignal): Promise<EngineEnd> {
  if (signal.aborted) return { error: null, totals: null };
  const child = fork(fileURLToPath(sibling(import.meta.url, 'main')), {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const release = stopOnAbort(child, signal);
  try {
    return await conversation(child, plan, events);
  } finally {
    release();
  }
}

function send(child: ChildProcess, message: ToGenerator): void {
  // A child that is gone is reported by its exit.
  child.send(message, () => undefined);
}

/** Forwards the abort, kills what does not heed it, and kills with us a child that outlives us. Returns the undoing. */
function stopOnAbort(child: ChildProcess, signal: AbortSignal): () => void {
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    send(child, { type: 'stop' });
    killTimer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  };
  signal.addEventListener('abort', stop, { once: true });
  return () => {
    signal.removeEventListener('abort', stop);
    clearTimeout(killTimer);
  };
}

function conversation(child: ChildProcess, plan: EnginePlan, events: EngineEvents): Promise<EngineEnd> {
  return new Promise((resolve) => {
    let lastWords = '';
    let outcome: EngineEnd | null = null;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-MAX_STDERR_CHARS);
    });
    child.on('message', (message: FromGenerator) => {
      if (message.type === 'end') outcome = { error: null, totals: null };
      else if (message.type === 'failed') outcome = broke(message.message);
      else tell(events, message);
    });
    child.on('error', (error) => {
      outcome ??= broke(error.message);
    });
    child.on('close', (code, killedBy) => {
      const how = killedBy === null ? `ended with ${code}` : `was killed by ${killedBy}`;
      const word =
        lastWords
          .trim()
          .split('\n')
          .find((line) => /Error/.test(line)) ?? '';
      resolve(outcome ?? broke(`the generator ${how} ${word}`.trim()));
    });
    send(child, { type: 'run', plan });
  });
}

function tell(events: EngineEvents, message: Exclude<FromGenerator, { type: 'end' | 'failed' }>): void {
  if (message.type === 'progress') events.onProgress(message.progress);
  else if (message.type === 'warm-up') events.onWarmUp(message.measurement);
  else events.onStep(message.measurement);
}

function broke(message: string): EngineEnd {
  return { error: { code: 'SP_LOAD_ENGINE', message }, totals: null };
}
