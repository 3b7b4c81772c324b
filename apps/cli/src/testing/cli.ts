/** The `sallyport` command as a real process, for tests. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
export const LAUNCHER = fileURLToPath(new URL('../../bin/sallyport.js', import.meta.url));

/** The launcher's: half the time to start. */
const COMPILE_CACHE = fileURLToPath(new URL('../../../../node_modules/.cache/sallyport', import.meta.url));

export interface CliOptions {
  /** Working folder; none of ours, so that no sallyport.yaml is found by chance. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Given on standard input, which is empty otherwise. */
  readonly input?: string;
  /** What is run: by default this Node with src/main.ts. */
  readonly command?: readonly [program: string, script: string];
}

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Event = Readonly<Record<string, unknown>> & { readonly event?: string };

export interface RunningCli {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** The first JSON line on standard output, now or later, with this `event`; rejects when the process ends without it. */
  event(name: string): Promise<Event>;
  /** Resolves once standard error has matched. */
  said(pattern: RegExp): Promise<void>;
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts it; it is killed with the test's end, should it still run. */
export function startCli(t: TestContext, args: readonly string[], options: CliOptions = {}): RunningCli {
  const [program, script] = options.command ?? [process.execPath, MAIN];
  const child = spawn(program, [script, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { ...cleanEnvironment(), NODE_COMPILE_CACHE: COMPILE_CACHE, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  t.after(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const text = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      for (const look of watchers) look();
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, ...text }));
  });
  const until = async <T>(find: () => T | undefined, what: string): Promise<T> => {
    const found = Promise.withResolvers<T>();
    const look = () => {
      const value = find();
      if (value !== undefined) found.resolve(value);
    };
    watchers.add(look);
    look();
    const over = ended.then(() => Promise.reject(new Error(`ended without ${what}: ${JSON.stringify(text)}`)));
    return Promise.race([found.promise, over]).finally(() => void watchers.delete(look));
  };
  return {
    child,
    ended,
    event: (name) => until(() => eventsOf(text.stdout).find(({ event }) => event === name), `event ${name}`),
    said: (pattern) => until(() => (pattern.test(text.stderr) ? null : undefined), String(pattern)).then(() => {}),
  };
}

/** Runs it to its end. */
export function runCli(t: TestContext, args: readonly string[], options: CliOptions = {}): Promise<Ended> {
  return startCli(t, args, options).ended;
}

/** The JSON objects of complete lines. */
export function eventsOf(stdout: string): Event[] {
  const complete = stdout.split('\n').slice(0, -1);
  return complete.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Event);
}

/** Nothing of whoever runs the tests: no settings, and no channel or coverage of the test runner. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SALLYPORT|NODE)_/.test(name)));
}
