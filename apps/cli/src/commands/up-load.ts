/** The load test of `sallyport up --load`: through the tunnel and to the backend itself, on the stack just started. */
import { loadRamp } from '@sallyport/load-tests';
import { asCommandError } from '../exit.ts';
import type { Output } from '../output.ts';
import type { Stack } from '../stack/stack.ts';
import { VERSION } from '../version.ts';

/** `path`: what is asked for, without its leading slash; null for the test backend's small answer. */
export interface StackLoad {
  readonly profile: string;
  readonly path: string | null;
}

/** Whatever comes of it, the stack goes on serving: never rejects. */
export async function runStackLoad(output: Output, stack: Stack, load: StackLoad, signal: AbortSignal): Promise<void> {
  const { profile, path } = load;
  try {
    const { exitCode, report, files } = await loadRamp({
      target: stack.url,
      direct: `${stack.direct}/`,
      defaultPath: path ?? undefined,
      profile,
      admin: [stack.admin.server, stack.admin.entry, ...stack.admin.client],
      signal,
      version: VERSION,
      stdout: { write: (text: string) => (output.isJson ? process.stderr : process.stdout).write(text) },
      stderr: process.stderr,
      isTty: process.stderr.isTTY,
    });
    if (output.isJson) output.result({ event: 'load', exitCode, verdict: report.verdict, files }, '');
    if (!signal.aborted) output.note(`\nStill serving ${stack.url} until Ctrl-C.`);
  } catch (error) {
    output.note(`sallyport: the load test failed: ${asCommandError(error).message}`);
  }
}
