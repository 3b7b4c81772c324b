/** The processes of a case beside the parts: each ends with its parent, whatever happens to that. */
import { fork, spawn } from 'node:child_process';
import type { ChildProcess, Serializable, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { within } from '../harness/deadline.ts';

/**
 * Higher than everybody's: what shares the core gets some 5 % of it (the kernel's weights: 18,705 to 1,024). With 14 % a
 * part carries 600 requests/s all the same, and there is no fault to find.
 */
const BURNER_NICE = -13;
/**
 * The same where the kernel shares the CPU by session first (sched_autogroup, sched(7)): the burner has a session of its
 * own, so that its weight does not count for the others on the other core, and that session this nice value.
 */
const BURNER_SESSION_NICE = -13;
/** The terminator makes a key first, on two cores that others use as well. */
const START_MS = 60_000;

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
    const stdio: StdioOptions = ['ignore', 'ignore', 'inherit', 'ipc'];
    const child = spawn('taskset', ['-c', String(core), ...nice], { stdio, detached: true });
    this.#children.push(child);
    const session = `/proc/${child.pid}/autogroup`;
    if (existsSync(session)) writeFileSync(session, String(BURNER_SESSION_NICE));
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
