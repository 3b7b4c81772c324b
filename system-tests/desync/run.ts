/**
 * The desync oracle without end: `node system-tests/desync/run.ts [--seconds N] [--cases N] [--seed S] [--shape NAME] [--hasty]`.
 * All shapes in turns, until something fails or the time is over (Ctrl-C ends it). A case that
 * fails is made small, unless `--hasty`. Prints a line of JSON.
 */
import { parseArgs } from 'node:util';
import { playThrough, SHAPES } from './play.ts';

const EXIT_FOUND = 1;
const TURN_S = 60;
const MOST_SEED = 2 ** 32;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    cases: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: String(Math.trunc(Math.random() * MOST_SEED)) },
    shape: { type: 'string' },
    hasty: { type: 'boolean', default: false },
  },
});

const shapes = SHAPES.filter(({ name }) => values.shape === undefined || name === values.shape);
const mostCases = Number(values.cases);
const endMs = performance.now() + Number(values.seconds ?? 'Infinity') * 1_000;
let seed = Number(values.seed);
let cases = 0;
let failure: string | null = null;

for (let turn = 0; failure === null && cases < mostCases && performance.now() < endMs; turn += 1) {
  const shape = shapes[turn % shapes.length]!;
  process.stderr.write(`seed ${seed}, through ${shape.name}\n`);
  const played = await playThrough(shape, {
    seed,
    forMs: Math.min(TURN_S * 1_000, endMs - performance.now()),
    mostCases: mostCases - cases,
    isHasty: values.hasty,
    onProgress: (tally) =>
      process.stderr.write(`\r${cases + tally.cases} cases, ${tally.requests} requests in this turn `),
  });
  process.stderr.write('\n');
  cases += played.tally.cases;
  seed += played.tally.cases;
  failure = played.failure;
}
if (failure !== null) process.stderr.write(`${failure}\n`);
process.stdout.write(`${JSON.stringify({ cases, found: failure })}\n`);
if (failure !== null) process.exitCode = EXIT_FOUND;
