/** The shortest of the matrix: one case for each kind of verdict. The whole of it is `npm run verdict-matrix`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Case } from './case.ts';
import { play } from './play.ts';
import { judged } from './score.ts';

/**
 * Faults so plain that a machine busy with other tests cannot hide them: a tenfold overload, a delay far above any
 * scheduling. There is no healthy case among them, since there a busy machine is the fault.
 */
const SHORT: readonly Case[] = [
  {
    name: 'a backend with one worker',
    backend: { serviceMs: 40, workers: 1 },
    rates: [10, 100],
    stepS: 2,
    expects: { fault: 'backend' },
  },
  {
    name: 'a client with one slot',
    slots: 1,
    path: '/loadtest/delay/50',
    rates: [10, 100],
    stepS: 2,
    expects: { fault: 'tunnel', hops: ['queue'] },
  },
  {
    name: 'a link with a delay of 150 ms each way',
    line: { of: 'client', delayMs: 150 },
    rates: [30],
    stepS: 3,
    expects: { fault: 'tunnel', hops: ['link'] },
  },
];

/** Null where it named the right one, or said that this machine is too busy to measure; it may not name somebody else. */
async function complaint(each: Case): Promise<string | null> {
  const { verdict } = await play(each);
  const isUnfit = verdict.fault === 'generator' || verdict.fault === 'inconclusive';
  if (isUnfit || judged(each, { verdict }).outcome === 'right') return null;
  return `${verdict.sentence}\n${verdict.evidence.join('\n')}`;
}

for (const each of SHORT) {
  const whose = `${each.expects.fault}${each.expects.hops === undefined ? '' : `, ${each.expects.hops.join()}`}`;
  test(`load isolate finds the fault of ${each.name}: ${whose}`, async () => {
    const first = await complaint(each);
    if (first === null) return;
    // A part that was held up for a second is at fault in that run; hardly in the next.
    const second = await complaint(each);
    assert.equal(second, null, `${first}\nand again: ${second}`);
  });
}
