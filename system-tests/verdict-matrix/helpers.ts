/** The processes of a case beside the parts: each ends with its parent, whatever happens to that. */
import { fork, spawn } from 'node:child_process';
import type { ChildProcess, Serializable } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { within } from '../harness/deadline.ts';

/** Higher than everybody's: what shares the core gets some 14 % of it (the kernel's weights: 6,100 to 1,024). */
const BURNER_NICE = -8;
/** The terminator makes a key first. */
const START_MS = 15_000;

export class Helpers implements AsyncDisposable {
  readonly #children: ChildProcess[] = [];
  #burner: ChildProcess | null = null;

  /** Starts a file of this folder, gives it `order`, and returns its first message. */
  async start<Answer>(file: string, order: Serializable): Promise<Answer> {
    const child = fork(join(import.meta.dirname, file), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#children.push(child);
    child.send(order);
    const died = once(child, 'exit').then((): never => {
      throw new Error(`${file} ended before it was ready`);
    });
    died.catch(() => {});
    const [answer] = await within(Promise.race([once(child, 'message'), died]), file, START_MS);
    return answer as Answer;
  }

  /** Burns a core until `cool()` or the end. */
  burn(core: number): void {
    const nice = ['nice', '-n', String(BURNER_NICE), process.execPath, join(import.meta.dirname, 'burner.ts')];
    const child = spawn('taskset', ['-c', String(core), ...nice], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#children.push(child);
    this.#burner = child;
  }

  cool(): void {
    this.#burner?.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }),
    );
  }
}
