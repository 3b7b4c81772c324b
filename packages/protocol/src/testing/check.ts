/** Property tests that say their seed, and take one back: SALLYPORT_SEED=… replays a failure. */
import type { TestContext } from 'node:test';
import fc from 'fast-check';

export function check<T>(t: TestContext, property: fc.IProperty<T>, numRuns = 500): void {
  const seed = Number(process.env['SALLYPORT_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
  t.diagnostic(`seed ${seed}, ${numRuns} runs`);
  fc.assert(property, { seed, numRuns });
}
