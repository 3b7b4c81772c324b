import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { startCli, temporaryFolder } from './testing/cli.ts';
import { refusal } from './testing/refusal.ts';

/** An entry whose server is not there: its ports are open all the same. */
function flagsOf(t: TestContext, certificates: string): string[] {
  const credentialFile = join(temporaryFolder(t), 'entry.secret');
  writeFileSync(credentialFile, 'somebody:0123456789abcdef\n', { mode: 0o600 });
  const set = ['entry.tls.port=0', 'entry.admin.port=0', 'log.level=error', `entry.tls.certificates=${certificates}`];
  const own = ['entry', '--port', '0', '--server', 'ws://127.0.0.1:1', '--credential-file', credentialFile];
  return [...own, ...set.flatMap((each) => ['--set', each])];
}

describe('sallyport entry with TLS', { timeout: 300_000 }, () => {
  it('says where it is reached by TLS, which is so before there is a certificate', async (t) => {
    const folder = join(temporaryFolder(t), 'certificates');
    mkdirSync(folder);
    const entry = startCli(t, [...flagsOf(t, folder), '--json']);
    const { url, tls } = await entry.event('ready');
    assert.match(String(tls), /^https:\/\/127\.0\.0\.1:\d+$/);
    assert.notEqual(new URL(String(tls)).port, new URL(String(url)).port);
    entry.child.kill('SIGTERM');
    assert.equal((await entry.ended).code, 0);
  });

  it('ends with 2 and one line where the folder of certificates is not there', async (t) => {
    const folder = join(temporaryFolder(t), 'nowhere');
    assert.equal(
      await refusal(t, flagsOf(t, folder)),
      `sallyport: ${folder} cannot be read (ENOENT); set entry.tls.certificates to a folder of pairs .crt and .key\n`,
    );
  });
});
