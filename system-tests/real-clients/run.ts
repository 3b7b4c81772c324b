/** A program to its end: what it printed, and how it ended. It ends with the test that started it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { within } from '../harness/deadline.ts';

/** A browser or Python that starts on two cores that others use as well. */
const LIMIT_MS = 60_000;

export interface Ran {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: Buffer;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export async function run(
  t: TestContext,
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const { input, cwd, env } = options;
  // No proxy of this machine's: the tunnel is what is tried.
  const own = { NO_PROXY: '*', no_proxy: '*', ...env };
  const child = spawn(command, args, {
    stdio: 'pipe',
    env: { ...process.env, ...own },
    ...(cwd === undefined ? {} : { cwd }),
  });
  t.after(() => child.kill('SIGKILL'));
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // It may end without having read all of it.
  child.stdin.on('error', () => {}).end(input);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [code] = await within(ended, () => `the end of ${command} ${args.join(' ')}:\n${stderr}`, LIMIT_MS);
  return { code, stdout: Buffer.concat(stdout), stderr };
}
