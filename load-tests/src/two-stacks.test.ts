import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTwoStacks } from './two-stacks.ts';

test('a stack that is still starting is not waited for once the run is interrupted', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'stacks-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const mute = join(folder, 'mute.mjs');
  writeFileSync(mute, 'setInterval(() => {}, 1e6);\n');
  const stop = new AbortController();
  const started = startTwoStacks(mute, mute, stop.signal);
  stop.abort();
  await assert.rejects(started, { code: 'SP_LOAD_STACK', message: /was interrupted/ });
  await assert.rejects(startTwoStacks(mute, mute, stop.signal), { message: /was interrupted/ });
});
