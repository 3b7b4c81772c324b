/** What package.json offers those who work here says how it is used, and starts nothing for that. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from './harness/command.ts';

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const measuring = Object.entries(scripts).filter(([name]) => name.startsWith('bench') || name === 'verdict-matrix');

for (const [name, command] of measuring) {
  void test(`npm run ${name} -- --help shows what it does and its flags`, async () => {
    const [, file] = command.split(' ');
    const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, file!), '--help']);
    assert.match(stdout, new RegExp(`^\`npm run ${name}\``));
    assert.match(stdout, /\n {2}(?:node|npm run) .*\[--/);
  });
}
