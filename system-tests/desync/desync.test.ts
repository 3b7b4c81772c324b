/**
 * The desync oracle for a minute, in equal parts through each shape. DESYNC_SECONDS says for how long (60),
 * DESYNC_SEED replays one case. Without end: run.ts.
 */
import { test } from 'node:test';
import { playThrough, SHAPES } from './play.ts';

const DEFAULT_SECONDS = 60;
const MOST_SEED = 2 ** 32;

const replayed = process.env['DESYNC_SEED'];
const seconds = Number(process.env['DESYNC_SECONDS'] ?? DEFAULT_SECONDS);

for (const shape of SHAPES) {
  void test(`the backend reads the requests that the entry admitted and none else, and each answer goes to its request, through ${shape.name}`, async (t) => {
    const seed = replayed === undefined ? Math.trunc(Math.random() * MOST_SEED) : Number(replayed);
    t.diagnostic(`seed ${seed}`);
    const forMs = (seconds * 1_000) / SHAPES.length;
    const { tally, failure } = await playThrough(shape, {
      seed,
      forMs,
      mostCases: replayed === undefined ? Infinity : 1,
    });
    t.diagnostic(
      `${tally.cases} cases of ${tally.requests} requests: ${tally.admitted} read by the backend, ${tally.refused} cases with what the entry has to refuse`,
    );
    if (failure !== null) throw new Error(`${failure}\nDESYNC_SEED replays the seed that is named here`);
  });
}
