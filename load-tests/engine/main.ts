/** A generator's process: takes one plan over IPC, runs it, reports, ends. Started by `generator-process.ts`. */
import { monotonicMs } from './clock.ts';
import { Generator } from './generator.ts';
import type { ToGenerator } from './messages.ts';
import type { EnginePlan } from './plan.ts';
import { tell } from './tell.ts';

/**
 * No step begins sooner than this after it was announced here, however late the word came: what a busy machine delays
 * before a step must not count as its first requests' lag.
 */
const MIN_LEAD_MS = 20;

/** What the parent says, heard by a generator that asks before each step when it begins. */
class Inbox {
  readonly plan = Promise.withResolvers<EnginePlan>();
  generator: Generator | null = null;
  #begin = Promise.withResolvers<number>();
  #isStopped = false;

  hear(message: ToGenerator): void {
    if (message.type === 'run') this.plan.resolve(message.plan);
    else if (message.type === 'begin') this.#begin.resolve(message.startMs);
    else this.#stop();
  }

  /** Never later than a stop. */
  async nextStart(): Promise<number> {
    this.#begin = Promise.withResolvers();
    if (this.#isStopped) return monotonicMs();
    void tell({ type: 'ready' });
    const startMs = await this.#begin.promise;
    return Math.max(startMs, monotonicMs() + MIN_LEAD_MS);
  }

  #stop(): void {
    this.#isStopped = true;
    this.generator?.stop();
    this.#begin.resolve(monotonicMs());
  }
}

async function main(): Promise<void> {
  const inbox = new Inbox();
  // Ctrl-C reaches every process of the terminal; the parent alone decides what it means and says `stop`.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('SIGHUP', () => undefined);
  process.once('disconnect', () => process.exit(1));
  process.on('message', (message: ToGenerator) => inbox.hear(message));
  try {
    const events = {
      onWarmUp: (measurement) => void tell({ type: 'warm-up', measurement }),
      onProgress: (progress) => void tell({ type: 'progress', progress }),
      onStep: (measurement) => void tell({ type: 'step', measurement }),
    } satisfies ConstructorParameters<typeof Generator>[1];
    inbox.generator = new Generator(await inbox.plan.promise, events, () => inbox.nextStart());
    await inbox.generator.run();
    await tell({ type: 'end' });
  } catch (error) {
    await tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
  process.removeAllListeners('disconnect');
  process.disconnect?.();
}

await main();
