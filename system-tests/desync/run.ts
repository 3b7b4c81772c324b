/**
 * The desync oracle without end.
 *
 *   node system-tests/desync/run.ts [--seconds N] [--cases N] [--seed S] [--shape NAME] [--hasty]
 *
 * All shapes in turns, until something fails or the time is over (Ctrl-C ends it). A case that fails is made small,
 * unless `--hasty`. Prints a line of JSON.
 */
import { readFlags, runMain, UsageError, wholeNumber } from '../../load-tests/bench/script.ts';
import { playThrough, SHAPES } from './play.ts';

const EXIT_FOUND = 1;
const TURN_S = 60;
const MOST_SECONDS = 1_000_000;
const MOST_CASES = 1_000_000_000;
const MOST_SEED = 2 ** 32;

async function main(): Promise<number> {
  const flags = readFlags({
    seconds: { type: 'string', default: String(MOST_SECONDS) },
    cases: { type: 'string', default: String(MOST_CASES) },
    seed: { type: 'string', default: String(1 + Math.trunc(Math.random() * (MOST_SEED - 1))) },
    shape: { type: 'string' },
    hasty: { type: 'boolean', default: false },
  });
  const shapes = SHAPES.filter(({ name }) => flags.shape === undefined || name === flags.shape);
  if (shapes.length === 0) {
    throw new UsageError(`--shape is one of ${SHAPES.map(({ name }) => `"${name}"`).join(', ')}, not "${flags.shape}"`);
  }
  const mostCases = wholeNumber('cases', flags.cases, MOST_CASES);
  const endMs = performance.now() + wholeNumber('seconds', flags.seconds, MOST_SECONDS) * 1_000;
  let seed = wholeNumber('seed', flags.seed, MOST_SEED);
  let cases = 0;
  let failure: string | null = null;
  for (let turn = 0; failure === null && cases < mostCases && performance.now() < endMs; turn += 1) {
    const shape = shapes[turn % shapes.length]!;
    process.stderr.write(`seed ${seed}, through ${shape.name}\n`);
    const played = await playThrough(shape, {
      seed,
      forMs: Math.min(TURN_S * 1_000, endMs - performance.now()),
      mostCases: mostCases - cases,
      isHasty: flags.hasty,
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
  return failure === null ? 0 : EXIT_FOUND;
}

await runMain(main);
