import { capacitySection, isUnanswered, stepsByRate } from '../analysis/capacity.ts';
import type { JudgedTry } from '../analysis/capacity.ts';
import { nextTry, resultOf } from '../analysis/search.ts';
import type { SearchResult } from '../analysis/search.ts';
import type { LoadReport } from '../report/model.ts';
import { assemble } from './assemble.ts';
import { calibrated } from './calibrated.ts';
import { prepareCapacity } from './capacity-options.ts';
import type { CapacityOptions } from './capacity-options.ts';
import { CapacityRun } from './capacity-run.ts';
import { engineOf } from './engine-of.ts';
import { watchParts } from './evidence.ts';
import { exitCodeOf } from './exit-code.ts';
import type { LoadExitCode } from './exit-code.ts';
import { finish } from './finish.ts';
import type { LoadOutcome } from './finish.ts';
import type { Calibrate } from './load-ramp.ts';
import { makeOutFolder } from './out-folder.ts';
import { answerSlots } from './slot-answers.ts';

export type { CapacityOptions } from './capacity-options.ts';

/**
 * The highest rate that the target carries: steps up to the first refused rate, bisection to the resolution, both ends
 * confirmed (`nextTry`). Each try is a run of its own through the tunnel alone, after a pause and a check that the target
 * has settled; with `direct`, the backend alone is tried at the knee afterwards. `failIf` makes it the highest rate at
 * which none of them holds. Exit code 0 with or without a knee, 3 where the generator ended the search or nobody answered.
 * @throws LoadError of exit code 2 when it cannot be run as asked
 */
export async function loadCapacity(
  options: CapacityOptions,
  calibrate: Calibrate | undefined = calibrated(options),
): Promise<LoadOutcome> {
  const capacity = prepareCapacity(options);
  const { prepared, search, pauseS } = capacity;
  const { plan, thresholds } = prepared;
  const { signal, stderr, isTty, live, version = '0.0.0' } = options;
  const engine = engineOf(prepared);
  const folder = makeOutFolder(options.out, new Date());
  const startedAt = new Date();
  const calibration = (await calibrate?.(plan, signal)) ?? null;
  const watch = await watchParts(options, plan);
  const watched = watch.watching(engine);
  const run = new CapacityRun({ plan, engine, watched, pauseS, thresholds, signal, stderr, isTty, live });
  for (let next = nextTry(search, run.tries); next !== null; next = nextTry(search, run.tries)) {
    if (!(await run.attempt(next))) break;
  }
  const result = resultOf(search, run.tries);
  live?.capacity(result.carriedRate, result.refusedRate);
  await run.measureDirect(directRates(result));
  const { rows, note } = await answerSlots(capacity, run, result, options);
  const section = capacitySection(run.tries, result, rows, run.trouble);
  const evidence = await watch.evidence(calibration);
  const report = assemble({
    command: 'capacity',
    // Between the tries the parts also answer settle checks and idle: their CPU time cannot be told by rate.
    evidence: { ...evidence, partCpu: [], notes: note === null ? evidence.notes : [...evidence.notes, note] },
    // A threshold is a limit to look for here, and none to fail by.
    prepared: { ...prepared, thresholds: [] },
    version,
    startedAt,
    ...run.chosen(stepsByRate(run.tries)),
    totals: null,
    stopped: run.stopped,
    sections: { capacity: section },
  });
  stderr?.write(`${section.sentence}\n`);
  return await finish(report, folder, options, { files: [], exitCode: exitCodeFor(report, result, run.tries) });
}

/** The knee from both sides, or the highest carried rate. */
function directRates({ knee, carriedRate }: SearchResult): number[] {
  if (knee !== null) return [knee.carriedRate, knee.refusedRate];
  return carriedRate === null ? [] : [carriedRate];
}

function exitCodeFor(report: LoadReport, { unfitRate }: SearchResult, tries: readonly JudgedTry[]): LoadExitCode {
  const code = exitCodeOf(report);
  if (code === 1 || code === 130) return code;
  return unfitRate !== null || isUnanswered(tries) ? 3 : 0;
}
