/** Starts what is compared, each as processes of its own, all in front of one backend, and ends them again. */
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export const PARTS = ['entry', 'server', 'client'] as const;
export type Part = (typeof PARTS)[number];

export interface Arm {
  readonly name: string;
  /** What the path of a request is appended to; no trailing slash. */
  readonly url: string;
  readonly pids: Readonly<Record<Part, number>>;
}

const ROOT = join(import.meta.dirname, '../..');
const SALLYPORT = join(ROOT, 'node_modules/.bin/sallyport');
/** A stack of four processes starts in two seconds; a machine that is busy with something else may need many more. */
const START_TIMEOUT_MS = 120_000;
/** How long a process may take to end when asked, before it is killed. */
const STOP_TIMEOUT_MS = 10_000;
/** Slots of the tunnel's client: more than the connections of any window, so that no request waits for one. */
const CONCURRENCY = 400;

/** The children of this run. `stop` ends them all, whatever state they are in. */
export class Processes {
  readonly #children: ChildProcess[] = [];
  readonly #strays: number[] = [];

  async startBackend(): Promise<{ url: string; pid: number }> {
    const child = this.#own(spawnReading(process.execPath, [join(ROOT, 'apps/test-backend/src/main.ts'), '0']));
    const { url } = await readyLine<{ url: string }>('test backend', child);
    return { url, pid: pidOf(child) };
  }

  async startSketch(backendUrl: string): Promise<Arm> {
    const server = await this.startScript('sketch.ts', 'server');
    const client = await this.startScript('sketch.ts', 'client', String(server.port), backendUrl);
    const entry = await this.startScript('sketch.ts', 'entry', String(server.port));
    const pids = { entry: entry.pid, server: server.pid, client: client.pid };
    return { name: 'sketch', url: `http://127.0.0.1:${entry.port}`, pids };
  }

  async startSallyport(backendUrl: string, options: SallyportOptions = {}): Promise<Arm> {
    const { command = SALLYPORT, concurrency = CONCURRENCY, settings = [] } = options;
    const set = settings.flatMap((each) => ['--set', each]);
    const flags = ['--split', '--json', '--entry-port', '0', '--concurrency', String(concurrency), ...set];
    const child = this.#own(spawnReading(command, ['up', ...flags, '--backend', backendUrl], settings.length > 0));
    const { url, pids } = await readyLine<SallyportReady>('sallyport up', child);
    const [client] = pids.client;
    if (client === undefined) throw new Error('sallyport up: no client in its ready line');
    this.#strays.push(pids.entry, pids.server, client);
    return { name: 'sallyport', url: url.replace(/\/$/, ''), pids: { entry: pids.entry, server: pids.server, client } };
  }

  /** A script of this folder that sends `{ port }` when it is ready, and ends when the channel to us does. */
  async startScript(script: string, ...args: string[]): Promise<{ pid: number; port: number }> {
    const child = this.#own(fork(join(import.meta.dirname, script), args));
    const name = [script, ...args].join(' ');
    const [message] = await orExit(name, child, (signal) => once(child, 'message', { signal }));
    return { pid: pidOf(child), port: (message as { port: number }).port };
  }

  /** Asks all to end, the last started first, and kills what is left after 10 s. */
  async stop(): Promise<void> {
    for (const child of this.#children.toReversed()) await stopChild(child);
    for (const pid of this.#strays.splice(0)) kill(pid);
  }

  #own<Child extends ChildProcess>(child: Child): Child {
    this.#children.push(child);
    return child;
  }
}

export interface SallyportOptions {
  /** Default: that of this checkout. */
  readonly command?: string;
  /** Slots. */
  readonly concurrency?: number;
  /** `path=value` each; what they have it log is read and thrown away. */
  readonly settings?: readonly string[];
}

interface SallyportReady {
  readonly url: string;
  readonly pids: { readonly entry: number; readonly server: number; readonly client: readonly number[] };
}

function spawnReading(command: string, args: readonly string[], isLogging = false) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', isLogging ? 'pipe' : 'inherit'] });
  child.stderr?.resume();
  // With a pipe for standard output it is there, which the type of `stdio` as an array does not say.
  return child as ChildProcess & { stdout: Readable };
}

async function readyLine<Ready>(name: string, child: ChildProcess & { stdout: Readable }): Promise<Ready> {
  return orExit(name, child, (signal) => {
    const ready = Promise.withResolvers<Ready>();
    // Read to the end: a pipe that nobody reads would stop its writer, and lines may come several at once.
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as { event?: unknown };
      if (message.event === 'ready') ready.resolve(message as Ready);
    });
    signal.addEventListener('abort', () => ready.reject(signal.reason as Error), { once: true });
    return ready.promise;
  });
}

/** What `ready` resolves with, unless the process cannot be started, ends before that, or takes too long. */
async function orExit<Value>(
  name: string,
  child: ChildProcess,
  ready: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const other = new AbortController();
  const signal = AbortSignal.any([other.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  const ended = once(child, 'exit', { signal }).then(([code, signalName]) => {
    throw new Error(`${name} ended with ${code ?? signalName} before it was ready`);
  });
  try {
    return await Promise.race([ready(signal), ended]);
  } catch (error) {
    throw signal.reason?.name === 'TimeoutError'
      ? new Error(`${name} was not ready within ${START_TIMEOUT_MS / 1000} s`)
      : error;
  } finally {
    other.abort();
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(timer);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already, as it should be.
  }
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the process was not started');
  return child.pid;
}
