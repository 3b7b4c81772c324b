/** git over smart HTTP: clone and push through the tunnel, small and large. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { needs } from '../harness/needs.ts';
import { SHAPES, useStack } from '../harness/stack.ts';
import { startGitBackend } from './git-backend.ts';
import type { GitBackend } from './git-backend.ts';
import { run } from './run.ts';

/** Over git's `http.postBuffer` of 1 MiB: a push of this size goes in chunks. */
const LARGE_BYTES = 8 * 1024 * 1024;
/** Nothing of the machine's own configuration. */
const ENV = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Tester',
  GIT_AUTHOR_EMAIL: 'tester@example.org',
  GIT_COMMITTER_NAME: 'Tester',
  GIT_COMMITTER_EMAIL: 'tester@example.org',
};

async function git(t: TestContext, cwd: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(t, 'git', args, { cwd, env: ENV });
  assert.equal(code, 0, `git ${args.join(' ')}:\n${stderr}`);
  return stdout.toString().trim();
}

async function commit(t: TestContext, work: string, name: string, content: Buffer): Promise<void> {
  writeFileSync(join(work, name), content);
  await git(t, work, 'add', name);
  await git(t, work, 'commit', '-q', '-m', `adds ${name}`);
}

for (const { shape, isSplit } of SHAPES) {
  describe(`git over smart HTTP, through ${shape}`, needs('git'), () => {
    let folder: string;
    let backend: GitBackend;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'sallyport-git-'));
      mkdirSync(join(folder, 'served'));
      backend = await startGitBackend(join(folder, 'served'));
    });
    after(async () => {
      await backend.close();
      rmSync(folder, { recursive: true });
    });
    const tunnel = useStack(() => ({ isSplit, backend: backend.url }));

    it('clones, pushes a little and a lot, fetches what others pushed', async (t) => {
      await git(t, folder, 'init', '-q', '--bare', '-b', 'main', 'served/project.git');
      await git(t, folder, 'clone', '-q', `${tunnel.stack.url}project.git`, 'first');
      const first = join(folder, 'first');
      await git(t, first, 'checkout', '-q', '-b', 'main');
      await commit(t, first, 'small.txt', Buffer.from('a little\n'));
      await git(t, first, 'push', '-q', 'origin', 'main');

      await git(t, folder, 'clone', '-q', `${tunnel.stack.url}project.git`, 'second');
      const second = join(folder, 'second');
      assert.equal(readFileSync(join(second, 'small.txt'), 'utf8'), 'a little\n');

      const large = randomBytes(LARGE_BYTES);
      await commit(t, first, 'large.bin', large);
      await git(t, first, 'push', '-q', 'origin', 'main');
      await git(t, second, 'pull', '-q', '--ff-only');
      assert(readFileSync(join(second, 'large.bin')).equals(large));

      for (const work of [first, second]) await git(t, work, 'fsck', '--full', '--strict');
      const served = join(folder, 'served/project.git');
      assert.equal(await git(t, served, 'rev-parse', 'main'), await git(t, second, 'rev-parse', 'HEAD'));
    });
  });
}
