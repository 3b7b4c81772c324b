import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, it } from 'node:test';
import { LAUNCHER, runCli, startCli } from './testing/cli.ts';
import type { CliOptions } from './testing/cli.ts';
import { descendantsOf, stillAlive } from './testing/processes.ts';

const OLDEST_MAJOR = 24;
const UP = ['up', '--entry-port', '0', '--json'];

/** A Node on PATH that cannot run this project by itself; npm puts the project's own in front of it. */
function olderNode(): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const node = join(folder, 'node');
    try {
      if (!readdirSync(folder).includes('node')) continue;
      const version = execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' });
      if (Number(version.split('.')[0]) < OLDEST_MAJOR) return node;
    } catch {
      // No such folder, or nothing that runs: the next one.
    }
  }
  return null;
}

const older = olderNode();
const mustRun = process.env['SALLYPORT_NO_SKIP'] === '1';
const skip = older === null && !mustRun ? 'no Node before 24 on PATH' : false;
const viaOlder: CliOptions = { command: [older ?? 'node', LAUNCHER] };

it('starts the command line in the same process under a Node that can run it', { timeout: 300_000 }, async (t) => {
  const { code, stdout } = await runCli(t, ['--version'], { command: [process.execPath, LAUNCHER] });
  assert.deepEqual([code, /^\d+\.\d+\.\d+\n$/.test(stdout)], [0, true]);
});

describe('the launcher under an older Node', { skip, concurrency: 2, timeout: 300_000 }, () => {
  it('is tried with an older Node', () => {
    assert.notEqual(older, null, 'SALLYPORT_NO_SKIP is set, and PATH has no Node before 24');
  });

  it('passes arguments, output and the exit code on', async (t) => {
    assert.match((await runCli(t, ['--version'], viaOlder)).stdout, /^\d+\.\d+\.\d+\n$/);
    const { code, stderr } = await runCli(t, ['--frob'], viaOlder);
    assert.equal(code, 2);
    assert.match(stderr, /^sallyport: unknown option '--frob'[^\n]*\n$/);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`passes ${signal} on, once, and ends with 0 and nothing left`, async (t) => {
      const cli = startCli(t, [...UP, '--split'], viaOlder);
      await cli.event('ready');
      const pids = descendantsOf(cli.child.pid!);
      assert.equal(pids.length, 5);
      cli.child.kill(signal);
      const { code, stderr } = await cli.ended;
      assert.deepEqual([code, stderr.split('\n').length], [0, 2], stderr);
      assert.deepEqual(await stillAlive(pids), []);
    });
  }

  it('lets what runs finish, and leaves nothing running, when it is killed itself', async (t) => {
    const cli = startCli(t, [...UP, '--split'], viaOlder);
    const { url } = await cli.event('ready');
    const pids = descendantsOf(cli.child.pid!);
    const answer = await fetch(`${String(url)}loadtest/stream/100`);
    cli.child.kill('SIGKILL');
    assert.equal((await answer.text()).split('\n').length, 101);
    const { stderr } = await cli.ended;
    assert.doesNotMatch(stderr, /^ {4}at /m);
    assert.deepEqual(await stillAlive(pids), []);
  });

  it('leaves nothing running when it is killed while parts are being started', async (t) => {
    const cli = startCli(t, [...UP, '--split'], viaOlder);
    let pids: number[] = [];
    // The command line, and at least the first part.
    while (pids.length < 2) {
      await new Promise(setImmediate);
      pids = descendantsOf(cli.child.pid!);
    }
    cli.child.kill('SIGKILL');
    const { stderr } = await cli.ended;
    assert.doesNotMatch(stderr, /^ {4}at /m);
    assert.deepEqual(await stillAlive(pids), []);
  });
});
