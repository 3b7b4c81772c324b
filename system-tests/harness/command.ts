/** One `sallyport …` process: its JSON lines, its standard error, its end. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { within } from './deadline.ts';
import { keepLog } from './secrets.ts';

export const ROOT = join(import.meta.dirname, '../..');
/** As the launcher starts it, but without the launcher: its process id is that of the part itself. */
export const MAIN = ['--disable-warning=ExperimentalWarning', join(ROOT, 'apps/cli/src/main.ts')];
const ENVIRONMENT = { NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/sallyport'), ...process.env };
/** A whole stack under load on two cores that others use as well. */
const START_MS = 60_000;
const END_MS = 60_000;

export type CommandEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Command {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** What it wrote to standard error so far. */
  stderr = '';
  readonly #name: string;
  readonly #child: ChildProcess;
  /** All that it printed so far. */
  readonly events: CommandEvent[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#name = `sallyport ${args.join(' ')}`;
    // The channel: should this process vanish, it is closed, and the command stops as if by a signal.
    const child = spawn(process.execPath, [...MAIN, ...args], {
      env: { ...ENVIRONMENT, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.pid = child.pid ?? 0;
    const keep = keepLog(`${args[0]}-${this.pid}`);
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      keep(text);
    });
    createInterface({ input: child.stdout! }).on('line', (line) => {
      // `creds` is asked for secrets.
      if (args[0] !== 'creds') keep(`${line}\n`);
      this.#take(line);
    });
    this.ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  }

  /** Those lines of standard error that are whole. */
  get lines(): string[] {
    return this.stderr.split('\n').slice(0, -1);
  }

  /** The first event of this name, from the beginning on. */
  async event<Event = CommandEvent>(name: string): Promise<Event> {
    const find = () => this.events.find((each) => each.event === name) as Event | undefined;
    const come = new Promise<Event>((resolve) => {
      const look = () => {
        const found = find();
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
    const died = this.ended.then(({ code, signal }): never => {
      throw new Error(`${this.#name} ended with ${code ?? signal} before "${name}":\n${this.stderr}`);
    });
    return within(Promise.race([come, died]), () => `"${name}" of ${this.#name}:\n${this.stderr}`, START_MS);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGTERM, and how it ended; killed if it does not end. */
  async stop(): Promise<Ended> {
    this.signal('SIGTERM');
    // One that a test has stopped hears it only then.
    this.signal('SIGCONT');
    try {
      return await within(this.ended, () => `the end of ${this.#name}:\n${this.stderr}`, END_MS);
    } catch (error) {
      this.signal('SIGKILL');
      throw error;
    }
  }

  #take(line: string): void {
    this.events.push(JSON.parse(line) as CommandEvent);
    for (const look of this.#waiting) look();
  }
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
