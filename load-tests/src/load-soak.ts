import { failuresOf } from '../analysis/paired.ts';
import { secondsSeries } from '../analysis/seconds-series.ts';
import { judgeSoak } from '../analysis/soak.ts';
import type { SoakSection } from '../report/sections.ts';
import type { LoadReport } from '../report/model.ts';
import { assemble } from './assemble.ts';
import { LoadError } from './errors.ts';
import { engineOf } from './engine-of.ts';
import { watchParts } from './evidence.ts';
import { exitCodeOf } from './exit-code.ts';
import type { LoadExitCode } from './exit-code.ts';
import { finish } from './finish.ts';
import type { LoadOutcome } from './finish.ts';
import type { LoadOptions } from './load-options.ts';
import { prepare } from './options.ts';
import type { Prepared } from './options.ts';
import { makeOutFolder } from './out-folder.ts';
import { PartSamples } from './part-samples.ts';
import { findParts } from './parts.ts';
import { inRange } from './ranges.ts';
import { runPlan } from './run.ts';
import { isLoopback } from './target.ts';

const DEFAULT_PROFILE = 'soak';
const DEFAULT_SAMPLE_S = 5;
const MIN_SAMPLE_S = 0.1;
const MAX_SAMPLE_S = 600;
const MS_PER_S = 1000;

export type SoakOptions = LoadOptions & {
  /** How often the parts are looked at; default 5, and at most a sixtieth of the run. */
  sampleS?: number | undefined;
};

/** A run of a minute still gets as many samples as a trend needs. */
const SAMPLES_AT_LEAST = 60;

/**
 * Does it last? One rate for a long time; latency, and of each part whose `/metrics` can be read memory, heap,
 * descriptors and event-loop delay, with slopes and a verdict (`trendOf`). Exit code 99 where something rises,
 * requests fail (three and 0.2 % or more) or the verdict names tunnel or backend: that is what was asked; 3 where it was
 * too short or too noisy to tell, nothing could be followed, or the generator was not fit.
 * @throws LoadError of exit code 2 when it cannot be run as asked
 */
export async function loadSoak(options: SoakOptions): Promise<LoadOutcome> {
  const prepared = prepareSoak(options);
  const { plan, thresholds } = prepared;
  const durationS = plan.steps.reduce((sum, step) => sum + step.durationS, 0);
  const sampleS = inRange(
    options.sampleS ?? Math.max(MIN_SAMPLE_S, Math.min(DEFAULT_SAMPLE_S, durationS / SAMPLES_AT_LEAST)),
    MIN_SAMPLE_S,
    MAX_SAMPLE_S,
    '--sample (s)',
  );
  const chosen = engineOf(prepared);
  const folder = makeOutFolder(options.out, new Date());
  const { signal, stderr, isTty, live, version = '0.0.0' } = options;
  const watch = await watchParts(options, plan);
  const engine = watch.watching(chosen);
  const origin = plan.arms[0]?.origin ?? '';
  const { parts } = await findParts(options, origin !== '' && isLoopback(new URL(origin)));
  const samples = new PartSamples(parts, sampleS * MS_PER_S);
  const startMs = performance.now() + plan.warmUpS * MS_PER_S;
  let result;
  try {
    result = await runPlan({ plan, engine, folder, thresholds, signal, stderr, isTty, live });
  } finally {
    samples.stop();
  }
  const series = [...secondsSeries(result.steps), ...samples.series(startMs)];
  const evidence = await watch.evidence();
  const bare = assemble({ command: 'soak', evidence, prepared, version, ...result });
  const soak = judgeSoak(series, { failures: failuresOf(result.steps, 'tunnel'), verdict: bare.verdict });
  const report = { ...bare, sections: { soak } };
  stderr?.write(`${soak.sentence}\n`);
  return await finish(report, folder, options, { ...result, exitCode: exitCodeFor(report, soak) });
}

function prepareSoak(options: SoakOptions): Prepared {
  const { profile, rate, durationS } = options;
  if (options.rate === undefined && durationS !== undefined) {
    // The rate of the profile, for another time.
    const asked = prepare({ ...options, profile: profile ?? DEFAULT_PROFILE, durationS: undefined });
    const plan = { ...asked.plan, steps: asked.plan.steps.slice(0, 1).map((step) => ({ ...step, durationS })) };
    inRange(durationS, 1, 7 * 24 * 3600, '--duration (s)');
    return oneRate({ ...asked, plan });
  }
  return oneRate(prepare({ ...options, profile: rate === undefined ? (profile ?? DEFAULT_PROFILE) : profile }));
}

/** Slopes over several rates would be those of the rates. */
function oneRate(prepared: Prepared): Prepared {
  const rates = new Set(prepared.plan.steps.map(({ rate }) => rate));
  if (rates.size === 1) return prepared;
  const fix = 'give --rate N --duration S, or a profile with one rate';
  throw new LoadError('SP_LOAD_OPTIONS', `a soak holds one rate, and this profile has ${rates.size}; ${fix}`);
}

function exitCodeFor(report: LoadReport, { isLeaking, isFailing = false }: SoakSection): LoadExitCode {
  const code = exitCodeOf(report);
  if (code === 1 || code === 130 || code === 99) return code;
  // What a generator that was not fit has seen proves nothing.
  if (report.verdict.fault === 'generator') return 3;
  if (isLeaking === true || isFailing) return 99;
  return isLeaking === null ? 3 : code;
}
