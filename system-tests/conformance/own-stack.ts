/** A stack of a row's own, of the same shape as the chapter's: for what must end or be set up otherwise. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { isAlive } from '../harness/command.ts';
import { within } from '../harness/deadline.ts';
import { startStack } from '../harness/stack.ts';
import type { Stack, StackOptions } from '../harness/stack.ts';
import type { RowBench } from './rows.ts';

export async function ownStack(t: TestContext, { stack }: RowBench, options: StackOptions): Promise<Stack> {
  const own = await startStack({ isSplit: stack.pids.entry !== stack.pids.server, ...options });
  t.after(() => own.command.signal('SIGKILL'));
  return own;
}

const END_MS = 60_000;

/** It has been told to stop: it ends with 0 and leaves no process. */
export async function assertEnds({ pids, command }: Stack): Promise<void> {
  const ended = await within(command.ended, () => `the end of the stack:\n${command.stderr}`, END_MS);
  assert.deepEqual(ended, { code: 0, signal: null }, command.stderr);
  const all = [pids.entry, pids.server, ...pids.client];
  assert.deepEqual(all.filter(isAlive), [], 'processes that are left');
}
