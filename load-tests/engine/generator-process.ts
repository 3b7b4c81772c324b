import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromGenerator, StepMessage, ToGenerator } from './messages.ts';
import type { EnginePlan } from './plan.ts';
import { sibling } from './sibling.ts';
import { STOP_GRACE_MS } from './step-run.ts';

/** How much of a dying generator's last words is kept. */
const MAX_STDERR_CHARS = 4000;
/** A stopped generator that has not ended by then is killed. */
const KILL_AFTER_MS = STOP_GRACE_MS + 4000;

/**
 * A generator in a process of its own: what it measures must not wait behind what it measures with, and its CPU can be
 * told apart. It ends with this process at the latest, since its IPC channel does.
 */
export class GeneratorProcess {
  /** Null when it ran to its end; otherwise what broke. Never rejects. */
  readonly ended: Promise<string | null>;
  readonly #child: ChildProcess;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(plan: EnginePlan, onMessage: (message: StepMessage) => void) {
    this.#child = fork(fileURLToPath(sibling(import.meta.url, 'main')), {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.ended = this.#follow(onMessage);
    this.send({ type: 'run', plan });
  }

  send(message: ToGenerator): void {
    // A child that is gone is reported by its exit.
    this.#child.send(message, () => undefined);
  }

  /** Asks it to end with what it has, and kills it when it does not heed. */
  stop(): void {
    if (this.#killTimer !== undefined) return;
    this.send({ type: 'stop' });
    this.#killTimer = setTimeout(() => this.#child.kill('SIGKILL'), KILL_AFTER_MS);
  }

  #follow(onMessage: (message: StepMessage) => void): Promise<string | null> {
    const child = this.#child;
    const { promise, resolve } = Promise.withResolvers<string | null>();
    let lastWords = '';
    let outcome: { error: string | null } | null = null;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-MAX_STDERR_CHARS);
    });
    child.on('message', (message: FromGenerator) => {
      if (message.type === 'end') outcome = { error: null };
      else if (message.type === 'failed') outcome = { error: message.message };
      else onMessage(message);
    });
    child.on('error', (error) => {
      outcome ??= { error: error.message };
    });
    child.on('close', (code, killedBy) => {
      clearTimeout(this.#killTimer);
      const how = killedBy === null ? `ended with ${code}` : `was killed by ${killedBy}`;
      resolve(outcome === null ? `the generator ${how} ${errorLine(lastWords)}`.trim() : outcome.error);
    });
    return promise;
  }
}

function errorLine(lastWords: string): string {
  const lines = lastWords.trim().split('\n');
  return lines.find((line) => /Error/.test(line)) ?? '';
}
