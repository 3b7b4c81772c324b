import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { startCli } from './testing/cli.ts';

it('a part that is told to reload while it starts does so once it serves', { timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-hangup-'));
  const credentialFile = join(folder, 'entry.secret');
  writeFileSync(credentialFile, 'nobody:0123456789abcdef\n', { mode: 0o600 });
  // Whoever reads a pipe waits for who writes it: so the test knows where the part is.
  const file = join(folder, 'sallyport.yaml');
  execFileSync('mkfifo', [file]);
  t.after(() => {
    closeSync(openSync(file, constants.O_RDWR | constants.O_NONBLOCK));
    rmSync(folder, { recursive: true });
  });
  const config = JSON.stringify({ entry: { port: 0, admin: { port: 0 }, servers: ['ws://127.0.0.1:1'] } });
  const entry = startCli(t, ['entry', '--json', '--config', file, '--credential-file', credentialFile]);
  const first = await open(file, 'w');
  entry.child.kill('SIGHUP');
  await first.writeFile(config);
  await first.close();
  await entry.event('ready');
  const second = await open(file, 'w');
  await second.writeFile(config);
  await second.close();
  await entry.said(/configuration reloaded/);
  entry.child.kill('SIGTERM');
  assert.equal((await entry.ended).code, 0);
});
