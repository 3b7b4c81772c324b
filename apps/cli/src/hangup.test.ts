import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { startCli } from './testing/cli.ts';

it('a part that is told to reload while it starts does so once it serves', { timeout: 300_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-hangup-'));
  const credentialFile = join(folder, 'entry.secret');
  writeFileSync(credentialFile, 'nobody:0123456789abcdef\n', { mode: 0o600 });
  const file = join(folder, 'sallyport.yaml');
  writeFileSync(file, JSON.stringify({ entry: { port: 0, admin: { port: 0 }, servers: ['ws://127.0.0.1:1'] } }));
  // Whoever reads a pipe waits for who writes it: so the part is held where it reads its configuration.
  const hold = join(folder, 'hold');
  execFileSync('mkfifo', [hold]);
  t.after(() => {
    closeSync(openSync(hold, constants.O_RDWR | constants.O_NONBLOCK));
    rmSync(folder, { recursive: true });
  });
  const held = `import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const { openSync } = fs;
    fs.openSync = (path, ...more) => {
      if (path === ${JSON.stringify(file)}) {
        fs.openSync = openSync;
        syncBuiltinESMExports();
        fs.readFileSync(${JSON.stringify(hold)});
      }
      return openSync(path, ...more);
    };
    syncBuiltinESMExports();`;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(held)}` };
  const entry = startCli(t, ['entry', '--json', '--config', file, '--credential-file', credentialFile], { env });
  const holding = await open(hold, 'w');
  entry.child.kill('SIGHUP');
  await holding.close();
  await entry.event('ready');
  await entry.said(/configuration reloaded/);
  entry.child.kill('SIGTERM');
  assert.equal((await entry.ended).code, 0);
});
