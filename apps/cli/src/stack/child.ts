/** A part in a process of its own, as its parent sees it. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Config } from '@sallyport/config';
import { CommandError, Exit } from '../exit.ts';
import type { Credential, PartMessage, PartName, ReadyMessage } from './messages.ts';

const PART_MAIN = new URL('part-main.ts', import.meta.url);
const KILL_AFTER_MS = 5_000;

export interface ChildPart {
  readonly name: PartName;
  readonly pid: number;
  readonly ready: ReadyMessage;
  stop(): Promise<void>;
}

/** Resolves when the part is ready. `onDied`: it ended without being told to. */
export async function startChild(
  part: PartName,
  config: Config,
  credential: Credential | undefined,
  onDied: (error: CommandError) => void,
): Promise<ChildPart> {
  const child = fork(PART_MAIN, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
    child.once('error', (error) => resolve(error.message));
  });
  child.send({ kind: 'start', part, config, ...(credential === undefined ? {} : { credential }) });
  const ready = await Promise.race([firstMessage(child), exited.then((how) => diedEarly(part, how))]);
  let isStopping = false;
  void exited.then((how) => {
    if (!isStopping)
      onDied(new CommandError(Exit.FAILED, 'SP_PART_DIED', `the ${part} (pid ${child.pid}) died: ${how}`));
  });
  return {
    name: part,
    pid: child.pid!,
    ready,
    stop: async () => {
      isStopping = true;
      if (child.connected) child.send({ kind: 'stop' });
      const timer = setTimeout(() => child.kill('SIGKILL'), config[drainOwner(part)].drainTimeoutMs + KILL_AFTER_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

function firstMessage(child: ChildProcess): Promise<ReadyMessage> {
  return new Promise((resolve, reject) => {
    child.once('message', (message: PartMessage) => {
      if (message.kind === 'ready') resolve(message);
      else reject(new CommandError(message.exit as Exit, 'SP_PART_FAILED', message.message));
    });
  });
}

function diedEarly(part: PartName, how: string): never {
  throw new CommandError(Exit.FAILED, 'SP_PART_DIED', `the ${part} died before it was ready: ${how}`);
}

function drainOwner(part: PartName): 'server' | 'entry' | 'client' {
  return part === 'backend' ? 'client' : part;
}
