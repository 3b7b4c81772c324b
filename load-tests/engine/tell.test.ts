import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

/** More than a channel takes at once. */
const LONG = 2 ** 24;

test('what a generator has said arrives whole, however much it is, when it closes the channel behind it', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'tell-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'child.mjs');
  writeFileSync(
    file,
    `import { tell } from ${JSON.stringify(new URL('tell.ts', import.meta.url).href)};
void tell({ type: 'failed', message: 'x'.repeat(${LONG}) });
await tell({ type: 'end' });
process.disconnect();
`,
  );
  const child = fork(file, { serialization: 'advanced', execArgv: [] });
  context.after(() => child.kill('SIGKILL'));
  const heard: unknown[] = [];
  child.on('message', ({ type, message }: { type: string; message?: string }) => heard.push([type, message?.length]));
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.deepEqual(heard, [
    ['failed', LONG],
    ['end', undefined],
  ]);
});
