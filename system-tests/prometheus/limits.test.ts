import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LIMITS } from '@sallyport/telemetry';
import { ROOT } from '../harness/command.ts';

const PARTS = {
  entry: 'apps/proxy-entry/src',
  server: 'apps/tunnel-server/src',
  client: 'apps/tunnel-client/src',
} as const;
/** Of a limit that is reached, where its name stands there. */
const REACHED = /\b(?:limitHit|calm)\('([^']+)'\)/g;

test('each limit that a part may reach is shown as 0 until then: an alert needs to see the rise', () => {
  for (const [part, folder] of Object.entries(PARTS)) {
    const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
    const names = files
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('testing'))
      .flatMap((file) =>
        [...readFileSync(join(ROOT, folder, file), 'utf8').matchAll(REACHED)].map((found) => found[1]!),
      );
    const known: readonly string[] = LIMITS[part as keyof typeof PARTS];
    assert(names.length > 0, `no limit is found in ${folder}`);
    assert.deepEqual(
      [...new Set(names)].filter((name) => !known.includes(name)),
      [],
      part,
    );
  }
});
