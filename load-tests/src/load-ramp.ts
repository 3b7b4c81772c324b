import type { EnginePlan } from '../engine/plan.ts';
import type { Calibration } from '../report/evidence.ts';
import type { LoadCommand } from '../report/model.ts';
import { assemble } from './assemble.ts';
import { engineOf } from './engine-of.ts';
import { watchParts } from './evidence.ts';
import { finish } from './finish.ts';
import type { LoadOutcome } from './finish.ts';
import type { LoadOptions } from './load-options.ts';
import { prepare } from './options.ts';
import { makeOutFolder } from './out-folder.ts';
import { runPlan } from './run.ts';

/**
 * Runs a ramp and writes its reports. Progress goes to `stderr`, the summary to `stdout`. When `signal` aborts, the run
 * ends within a second or two and reports what it has (exit code 130).
 * @throws LoadError of exit code 2 when it cannot be run as asked; whatever breaks later is in the outcome
 */
export async function loadRamp(options: LoadOptions): Promise<LoadOutcome> {
  return await runRamp('ramp', options);
}

/** A generator's own figures against a server that answers at once; null where they cannot be had. */
export type Calibrate = (plan: EnginePlan, signal: AbortSignal | undefined) => Promise<Calibration | null>;

/** A ramp under a command's own name, with the generator calibrated first where `calibrate` is given. */
export async function runRamp(command: LoadCommand, options: LoadOptions, calibrate?: Calibrate): Promise<LoadOutcome> {
  const prepared = prepare(options, { canShare: true });
  const engine = engineOf(prepared);
  const folder = makeOutFolder(options.out, new Date());
  const { plan, thresholds } = prepared;
  const { signal, stderr, isTty, live, version = '0.0.0' } = options;
  const calibration = (await calibrate?.(plan, signal)) ?? null;
  const watch = await watchParts(options, plan);
  const watched = watch.watching(engine);
  const result = await runPlan({ plan, engine: watched, folder, thresholds, signal, stderr, isTty, live });
  const report = assemble({ command, evidence: await watch.evidence(calibration), prepared, version, ...result });
  return await finish(report, folder, options, result);
}
