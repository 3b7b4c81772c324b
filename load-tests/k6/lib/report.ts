/** The report of a script that is run by itself: the same object as the command's, from k6's figures alone. */
import { addedMs } from '../../analysis/added.ts';
import { median, medianInterval } from '../../analysis/statistics.ts';
import { verdict } from '../../analysis/verdict.ts';
import type { StepMeasurement } from '../../engine/plan.ts';
import { EMPTY_ARM } from '../../report/empty-arm.ts';
import { NO_EVIDENCE } from '../../report/evidence.ts';
import { REPORT_SCHEMA } from '../../report/model.ts';
import type { ArmReport, ByArm, GeneratorReport, LoadReport, StepReport } from '../../report/model.ts';
import type { OverheadSection } from '../../report/sections.ts';
import { judgeSteps, parseFailIf } from '../../src/fail-if.ts';
import { shownAddress } from '../../src/secrets.ts';
import type { K6Plan, OwnReport } from './plan.ts';
import { armOf, stepsOf } from './summary.ts';
import type { K6Metrics } from './summary.ts';

/** A run that ended this much before its plan was interrupted. */
const EARLY_MS = 1000;
const MS_PER_S = 1000;
const COVERAGE = 0.95;
const NOT_TOLD = 'not told by k6';
const NO_LOSS = { stealPercent: null, throttledPercent: null };

/** What k6 gives to `handleSummary`, as far as it is read. */
export type K6Summary = { metrics: K6Metrics; state: { testRunDurationMs: number } };

export function reportOf(summary: K6Summary, plan: K6Plan, own: OwnReport, endedAt: Date): LoadReport {
  const { metrics, state } = summary;
  const isStopped = state.testRunDurationMs + EARLY_MS < plannedMs(plan);
  const steps = stepsOf(metrics, plan, NO_LOSS, isStopped).flatMap((measured) => stepOf(measured));
  const durationS = steps.reduce((sum, step) => sum + step.durationS, 0);
  const [tunnel, direct] = plan.arms.map(({ requests }) => requests[0]);
  return {
    schema: REPORT_SCHEMA,
    command: own.command,
    tool: { name: 'sallyport', version: NOT_TOLD, engine: 'k6', node: NOT_TOLD },
    machine: { cpus: 0, cpuModel: NOT_TOLD, memoryBytes: 0, platform: NOT_TOLD, kernel: NOT_TOLD },
    target: {
      tunnel: tunnel === undefined ? '' : shown(tunnel.url),
      direct: direct === undefined ? null : shown(direct.url),
      method: tunnel?.method ?? 'GET',
      timeoutMs: plan.timeoutMs,
    },
    profile: { name: own.name, arrivals: 'uniform', seed: 0, warmUpS: plan.warmUpS },
    startedAt: new Date(endedAt.getTime() - state.testRunDurationMs).toISOString(),
    stopped: isStopped ? { reason: 'interrupted', code: 'SP_LOAD_INTERRUPTED', message: 'interrupted' } : null,
    steps,
    totals: { durationS, arms: totals(metrics, plan, durationS) },
    thresholds: judgeSteps(
      own.failIf.map((expression) => parseFailIf(expression)),
      steps.map(({ rate, arms, addedMs: added, generator }) => ({ rate, tunnel: arms.tunnel, added, generator })),
    ),
    generator: worstOf(steps, plan),
    evidence: { ...NO_EVIDENCE, notes: ['measured by k6 alone: nothing is known of this machine or of the parts'] },
    verdict: verdict(steps),
    sections: own.command === 'overhead' && steps.length > 0 ? { overhead: overheadOf(steps) } : {},
  };
}

/** k6 has no `URL`. */
function shown(url: string): string {
  const [, origin = '', path = ''] = /^([^/]*\/\/[^/]*)(.*)$/.exec(url) ?? [];
  return shownAddress(origin, path);
}

function stepOf({ arms, seconds, ...measured }: StepMeasurement): StepReport[] {
  const { tunnel, direct } = arms;
  if (tunnel === undefined) return [];
  const { rate, durationS, complete, hopsMs, generator } = measured;
  const added = direct === undefined ? null : addedMs(tunnel, direct, seconds);
  return [{ rate, durationS, complete, arms: { ...arms, tunnel }, addedMs: added, hopsMs, generator, seconds }];
}

function plannedMs({ warmUpS, gapS, steps }: K6Plan): number {
  const warmS = warmUpS > 0 ? warmUpS + gapS : 0;
  const stepsS = steps.reduce((sum, { rate, durationS }) => sum + Math.max(0, durationS - 1 / rate) + gapS, -gapS);
  return (warmS + stepsS) * MS_PER_S;
}

function totals(metrics: K6Metrics, plan: K6Plan, durationS: number): LoadReport['totals']['arms'] {
  const arms: ByArm<ArmReport> = {};
  for (const { name } of plan.arms) {
    const arm = armOf(metrics, name, 'all', Math.max(durationS, Number.MIN_VALUE));
    if (arm !== null) arms[name] = arm;
  }
  return { ...arms, tunnel: arms.tunnel ?? EMPTY_ARM };
}

/** Of k6 only lag and what left in time are known. */
function worstOf(steps: readonly StepReport[], plan: K6Plan): GeneratorReport {
  const all = steps.map(({ generator }) => generator);
  return {
    lagP50Ms: Math.max(0, ...all.map(({ lagP50Ms }) => lagP50Ms)),
    lagP99Ms: Math.max(0, ...all.map(({ lagP99Ms }) => lagP99Ms)),
    elu: null,
    cpuPercent: null,
    sentRatio: Math.min(1, ...all.map(({ sentRatio }) => sentRatio)),
    ...NO_LOSS,
    maxInFlight: plan.maxInFlight,
  };
}

/** Each window is one pair of percentiles; see `addedMs` for why the interval assumes no distribution. */
function overheadOf(steps: readonly StepReport[]): OverheadSection {
  const added = (['p50', 'p90', 'p99'] as const).map((metric) => {
    const differences = steps.flatMap(({ arms: { tunnel, direct } }) =>
      direct === undefined ? [] : [tunnel.latencyMs[metric] - direct.latencyMs[metric]],
    );
    return { metric, medianMs: median(differences), ci95: medianInterval(differences, COVERAGE) };
  });
  const [first] = steps;
  return {
    rate: first?.rate ?? 0,
    windows: steps.length,
    windowS: first?.durationS ?? 0,
    added: added.filter(({ medianMs }) => Number.isFinite(medianMs)),
    cpuUsPerRequest: null,
  };
}
