/** `sallyport up` as a process, on free ports; and the same for all tests of a file, checked for leaks at its end. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Command } from './command.ts';
import { gaugesAtRest, settled } from './metrics.ts';
import type { Gauges } from './metrics.ts';

export interface StackOptions {
  readonly isSplit?: boolean;
  readonly clients?: number;
  readonly concurrency?: number;
  /** Fronted instead of the test backend. */
  readonly backend?: string;
  /** What that speaks; HTTP/1.1 if not told. */
  readonly protocol?: 'h2' | 'h2c';
  /** `path=value` each. */
  readonly set?: readonly string[];
}

export interface Admin {
  readonly server: string;
  readonly entry: string;
  readonly client: readonly string[];
}

/** interface.md's ready line, and the process that printed it. */
export interface Stack {
  /** With a slash at its end. */
  readonly url: string;
  readonly entry: string;
  /** Where TLS is configured. */
  readonly tls?: string;
  readonly direct: string;
  readonly pids: { readonly entry: number; readonly server: number; readonly client: readonly number[] };
  readonly admin: Admin;
  readonly command: Command;
}

export const SHAPES = [
  { shape: 'up', isSplit: false },
  { shape: 'up --split', isSplit: true },
] as const;

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { isSplit, clients, concurrency, backend, protocol, set = [] } = options;
  const command = new Command([
    'up',
    '--json',
    '--entry-port',
    '0',
    ...(isSplit === true ? ['--split'] : []),
    ...(clients === undefined ? [] : ['--clients', String(clients)]),
    ...(concurrency === undefined ? [] : ['--concurrency', String(concurrency)]),
    ...(backend === undefined ? [] : ['--backend', backend]),
    ...(protocol === undefined ? [] : ['--protocol', protocol]),
    ...set.flatMap((each) => ['--set', each]),
  ]);
  return { ...(await command.event<Omit<Stack, 'command'>>('ready')), command };
}

/**
 * A stack for the tests of one `describe`: started before them; behind them every gauge must be back where it began,
 * and SIGTERM must end it with 0. `options` is asked when the stack is started.
 */
export function useStack(options: () => StackOptions): { readonly stack: Stack } {
  let stack: Stack | null = null;
  let atRest: Gauges | null = null;
  before(async () => {
    stack = await startStack(options());
    atRest = await gaugesAtRest(stack.admin);
  });
  after(async () => {
    if (stack === null) return;
    try {
      if (atRest !== null) await settled(stack.admin, atRest);
    } finally {
      const ended = await stack.command.stop();
      assert.deepEqual(ended, { code: 0, signal: null }, stack.command.stderr);
      // Node's own: listeners that pile up, promises that nobody looks after.
      assert.doesNotMatch(stack.command.stderr, /Warning: /);
    }
  });
  return {
    get stack() {
      assert(stack !== null, 'the stack is not started');
      return stack;
    },
  };
}
