import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { runCli } from './cli.ts';
import type { CliOptions } from './cli.ts';

/** The one line that a command ends with when the user has something to correct. */
export async function refusal(t: TestContext, args: readonly string[], options: CliOptions = {}): Promise<string> {
  const { code, stderr, stdout } = await runCli(t, args, options);
  assert.equal(code, 2, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^sallyport: [^\n]+\n$/);
  return stderr;
}
