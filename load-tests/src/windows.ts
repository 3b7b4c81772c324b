/** Windows of a duet: a plan of many steps at one rate, all arms in turn. */
import type { ArmPlan, Engine } from '../engine/plan.ts';
import type { Evidence } from '../report/evidence.ts';
import type { AddedReport, LoadCommand, LoadReport, Verdict } from '../report/model.ts';
import type { PairedDifference, Sections } from '../report/sections.ts';
import { pairedDifference, usableWindows } from '../analysis/paired.ts';
import { assemble } from './assemble.ts';
import { refuse } from './errors.ts';
import { engineOf } from './engine-of.ts';
import type { PartsWatch } from './evidence.ts';
import { judgeSteps } from './fail-if.ts';
import type { LoadOptions } from './load-options.ts';
import { prepare } from './options.ts';
import type { Prepared } from './options.ts';
import { inRange, refuseFewAnswers, wholeIn } from './ranges.ts';
import { runPlan } from './run.ts';
import type { RunResult } from './run.ts';

const DEFAULT_RATE = 200;
const DEFAULT_WINDOWS = 20;
const DEFAULT_WINDOW_S = 3;
/** Longer than a ramp's: a cold compiler would be measured as a cost. */
const DEFAULT_WARM_UP_S = 5;
/** Six are the fewest that have an interval; a hundred, doubled, are what a report may hold. */
const MIN_WINDOWS = 6;
const MAX_WINDOWS = 100;
const MIN_WINDOW_S = 0.2;
const MAX_WINDOW_S = 600;

/** A load test in windows: `rate` (default 200) instead of a profile, and no duration but that of a window. */
export type WindowOptions = LoadOptions & {
  /** 6 to 100; default 20. */
  windows?: number | undefined;
  /** Seconds, 0.2 to 600; default 3. Under three the tail of a window says little. */
  windowS?: number | undefined;
};

/** `prepared.plan` has a step for each window. */
export type PreparedWindows = { prepared: Prepared; engine: Engine; rate: number; windows: number; windowS: number };

/** @throws LoadError of exit code 2, whose message says how to fix it */
export function prepareWindows(options: WindowOptions, change: (arms: ArmPlan[]) => ArmPlan[] = (arms) => arms) {
  if (options.durationS !== undefined || options.profile !== undefined) {
    const given = options.profile === undefined ? '--duration' : '--profile';
    throw refuse(`${given} does not go with windows of one rate; give --rate N, --windows N and --window SECONDS`);
  }
  const { rate = DEFAULT_RATE } = options;
  const windows = wholeIn(options.windows ?? DEFAULT_WINDOWS, MIN_WINDOWS, MAX_WINDOWS, '--windows');
  const windowS = inRange(options.windowS ?? DEFAULT_WINDOW_S, MIN_WINDOW_S, MAX_WINDOW_S, '--window (s)');
  refuseFewAnswers(rate, windowS, 'a higher --rate or a longer --window');
  const warmUpS = options.warmUpS ?? DEFAULT_WARM_UP_S;
  const prepared = prepare({ ...options, rate, durationS: windowS, warmUpS });
  if (prepared.plan.model === 'closed') throw refuse('windows are compared at one rate; leave out --model closed');
  const steps = Array.from({ length: windows }, () => ({ rate, durationS: windowS }));
  // Thresholds are for all windows together; a single one that fails is no reason to stop.
  const plan = { ...prepared.plan, steps, arms: change(prepared.plan.arms), abortOnFail: false };
  return {
    prepared: { ...prepared, plan },
    engine: engineOf(prepared),
    rate,
    windows,
    windowS,
  } satisfies PreparedWindows;
}

/** Runs the windows; progress goes to `stderr`. `folder` is for the HdrHistogram logs; null for none. */
export async function runWindows(
  { prepared, engine }: Pick<PreparedWindows, 'prepared' | 'engine'>,
  watch: PartsWatch,
  folder: string | null,
  { signal, stderr, isTty, live }: LoadOptions,
): Promise<RunResult> {
  const { plan, thresholds } = prepared;
  return await runPlan({
    plan,
    engine: watch.watching(engine),
    folder,
    thresholds,
    signal,
    stderr,
    isTty,
    live,
    stepNoun: 'window',
  });
}

export type WindowFindings = {
  command: LoadCommand;
  version: string;
  evidence: Evidence;
  verdict: Verdict;
  sections: Sections;
};

/**
 * The report of windows. Thresholds are judged over all of them together: one window is a sample and no step of a ramp.
 */
export function assembleWindows(
  { prepared, rate }: PreparedWindows,
  run: RunResult,
  findings: WindowFindings,
): LoadReport {
  const { verdict, ...rest } = findings;
  const report = assemble({ ...rest, prepared, ...run });
  const windows = usableWindows(run.steps, ['tunnel', 'direct']);
  const judged = { rate, tunnel: report.totals.arms.tunnel, generator: report.generator };
  const added = windows.length === 0 ? null : addedOver(windows);
  return { ...report, verdict, thresholds: judgeSteps(prepared.thresholds, [{ ...judged, added }]) };
}

function addedOver(windows: LoadReport['steps']): AddedReport {
  const at = (metric: PairedDifference['metric']) => pairedDifference(windows, 'tunnel', 'direct', metric);
  const p50 = at('p50');
  return { p50: p50.medianMs, p99: at('p99').medianMs, ci95: p50.ci95 };
}
