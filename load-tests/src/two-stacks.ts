/** The stacks of two checkouts on this machine, side by side in front of one backend. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { LoadError } from './errors.ts';

const READY_WITHIN_MS = 60_000;
/** A stack drains when told to stop; one that has not ended by then is killed. */
const STOP_WITHIN_MS = 15_000;
const MAX_LAST_WORDS_CHARS = 4000;

/** A running part or stack: the addresses that `sallyport … --json` says when it is ready. */
export type Started = Ready & { stop: () => Promise<void> };
type Ready = { url: string; admin: string[] };

/** The command in a checkout, wherever it is then called from; null where the folder is none, or was not installed. */
export function commandIn(folder: string): string | null {
  const command = resolve(folder, 'node_modules', '.bin', 'sallyport');
  return existsSync(command) ? command : null;
}

/**
 * Starts a backend, and `sallyport up --split` of both commands in front of it, on free ports with default settings. The
 * backend is in neither stack: schedulers treat the processes of one group alike, and it is not to be nearer to one.
 * @throws LoadError `SP_LOAD_STACK` when one does not become ready, or `signal` aborts before; none is left running
 */
export async function startTwoStacks(
  own: string,
  other: string,
  signal?: AbortSignal,
): Promise<{ own: Ready; other: Ready; stop: () => Promise<void> }> {
  const backend = await startCommand(own, ['backend', '--port', '0'], signal);
  const up = ['up', '--split', '--entry-port', '0', '--backend', backend.url];
  const stacks = await Promise.allSettled([startCommand(own, up, signal), startCommand(other, up, signal)]);
  const stop = async (): Promise<void> => {
    await Promise.all(stacks.flatMap((each) => (each.status === 'fulfilled' ? [each.value.stop()] : [])));
    // Last, so that what runs can finish.
    await backend.stop();
  };
  const [first, second] = stacks;
  if (first.status === 'fulfilled' && second.status === 'fulfilled') {
    return { own: first.value, other: second.value, stop };
  }
  await stop();
  throw first.status === 'rejected' ? first.reason : (second as PromiseRejectedResult).reason;
}

async function startCommand(command: string, args: readonly string[], signal?: AbortSignal): Promise<Started> {
  const child = spawn(process.execPath, [command, ...args, '--json'], {
    // Neither a sallyport.yaml nor settings of whoever calls: both run with their defaults.
    cwd: tmpdir(),
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SALLYPORT|NODE)_/.test(name))),
    // The channel is not used; its end tells the launcher that we are gone, however that came about.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A Ctrl-C is for us alone: the stack must outlive the requests that it still carries.
    detached: true,
  });
  const stop = owned(child);
  try {
    const ready = await untilReady(child, `${command} ${args[0]}`, signal);
    return { ...ready, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Ties the child's life to ours; returns what ends it. */
function owned(child: ChildProcess): () => Promise<void> {
  const endWithUs = (): void => void child.kill('SIGTERM');
  process.once('exit', endWithUs);
  const closed = once(child, 'close').catch(() => undefined);
  return async () => {
    process.removeListener('exit', endWithUs);
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await closed;
    clearTimeout(timer);
  };
}

/** @param name the command as a person would look for it */
async function untilReady(child: ChildProcess, name: string, signal?: AbortSignal): Promise<Ready> {
  const found = Promise.withResolvers<Ready>();
  let lastWords = '';
  const give = (why: string): void =>
    found.reject(
      new LoadError(
        'SP_LOAD_STACK',
        `${name} ${why}${lastLine(lastWords)}; run it by hand, or npm ci in its folder`,
        1,
      ),
    );
  const interrupt = (): void => give('was interrupted');
  signal?.addEventListener('abort', interrupt, { once: true });
  if (signal?.aborted === true) interrupt();
  const timer = setTimeout(() => give(`was not ready within ${READY_WITHIN_MS / 1000} s`), READY_WITHIN_MS);
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-MAX_LAST_WORDS_CHARS);
  });
  child.once('error', (error) => give(`cannot be started (${error.message})`));
  child.once('close', (code) => give(`ended with ${code}`));
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const ready = parseReady(line);
      if (ready !== null) found.resolve(ready);
    });
  }
  try {
    return await found.promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', interrupt);
  }
}

/** Behind an error of its own a process that breaks still says its version. */
function lastLine(text: string): string {
  const lines = text.trim().split('\n');
  const line = lines.find((each) => /^\w*Error\b/.test(each)) ?? lines.at(-1) ?? '';
  return line === '' ? '' : ` (${line})`;
}

/** The `ready` line of a command with `--json`; null for any other line. */
export function parseReady(line: string): Ready | null {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof event !== 'object' || event === null || !('event' in event) || event.event !== 'ready') return null;
  const { url, admin } = event as Record<string, unknown>;
  if (typeof url !== 'string') return null;
  const addresses = typeof admin === 'object' && admin !== null ? Object.values(admin).flat() : [];
  return { url, admin: addresses.filter((each) => typeof each === 'string') };
}
