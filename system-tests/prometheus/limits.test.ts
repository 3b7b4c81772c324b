import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMON_LIMITS, LIMITS } from '@sallyport/telemetry';
import { ROOT } from '../harness/command.ts';

/** Where a limit may be reached, and those that are shown from the start. */
const PLACES: readonly (readonly [folder: string, known: readonly string[]])[] = [
  ['apps/proxy-entry/src', LIMITS.entry],
  ['apps/tunnel-server/src', LIMITS.server],
  ['apps/tunnel-client/src', LIMITS.client],
  ['packages/telemetry/src', COMMON_LIMITS],
];
/** Of a limit that is reached, where its name stands there. */
const REACHED = /\b(?:limitHit|calm)\('([^']+)'\)/g;

test('each limit that a part may reach is shown as 0 until then: an alert needs to see the rise', () => {
  for (const [folder, known] of PLACES) {
    const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
    const names = files
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('testing'))
      .flatMap((file) =>
        [...readFileSync(join(ROOT, folder, file), 'utf8').matchAll(REACHED)].map((found) => found[1]!),
      );
    assert(names.length > 0, `no limit is found in ${folder}`);
    assert.deepEqual(
      [...new Set(names)].filter((name) => !known.includes(name)),
      [],
      folder,
    );
  }
});
