import { addedMs } from '../analysis/added.ts';
import { verdict } from '../analysis/verdict.ts';
import { bodyBytes } from '../engine/body.ts';
import { describeMachine } from '../engine/machine.ts';
import type { ArmPlan, EngineEnd, StepMeasurement } from '../engine/plan.ts';
import { mergeArm } from '../engine/totals.ts';
import { EMPTY_ARM } from '../report/empty-arm.ts';
import { NO_EVIDENCE } from '../report/evidence.ts';
import type { Evidence } from '../report/evidence.ts';
import { REPORT_SCHEMA } from '../report/model.ts';
import type {
  ArmName,
  ArmReport,
  ByArm,
  GeneratorReport,
  LoadCommand,
  LoadReport,
  StepReport,
} from '../report/model.ts';
import type { Sections } from '../report/sections.ts';
import { contentHash } from './content-hash.ts';
import { judgeSteps } from './fail-if.ts';
import type { Prepared } from './options.ts';
import { shownAddress } from './secrets.ts';

/** The address of an arm's first request, for people and without what may be secret; empty where there is no such arm. */
export function addressOf(arm: ArmPlan | undefined): string {
  return arm === undefined ? '' : shownAddress(arm.origin, arm.requests[0]?.path ?? '/');
}

/** What an engine measured in a step, with what follows from it. Null where it says nothing of the tunnel arm. */
export function toStepReport(measured: StepMeasurement): StepReport | null {
  const { tunnel, direct, ...others } = measured.arms;
  if (tunnel === undefined) return null;
  const { rate, durationS, complete, hopsMs, generator, seconds } = measured;
  return {
    rate,
    durationS,
    complete,
    arms: direct === undefined ? { tunnel, ...others } : { tunnel, direct, ...others },
    addedMs: direct === undefined || direct.requests === 0 ? null : addedMs(tunnel, direct, seconds),
    hopsMs,
    generator,
    seconds,
  };
}

export type RunFacts = {
  command: LoadCommand;
  evidence?: Evidence;
  sections?: Sections;
  prepared: Prepared;
  version: string;
  startedAt: Date;
  measurements: StepMeasurement[];
  steps: StepReport[];
  totals: EngineEnd['totals'];
  stopped: LoadReport['stopped'];
};

/** The one object that all reports are written from. */
export function assemble(facts: RunFacts): LoadReport {
  const { prepared, version, startedAt, measurements, steps, totals, stopped } = facts;
  const { command, evidence = NO_EVIDENCE, sections = {} } = facts;
  const { plan, profile, thresholds, engine } = prepared;
  const arms: ByArm<ArmReport> = {};
  for (const { name } of plan.arms) {
    const arm = totals?.[name] ?? mergeArm(measurements, name);
    if (arm !== null) arms[name] = arm;
  }
  const armOf = (name: ArmName): ArmPlan | undefined => plan.arms.find((arm) => arm.name === name);
  return {
    schema: REPORT_SCHEMA,
    command,
    tool: { name: 'sallyport', version, engine, node: process.version },
    machine: describeMachine(),
    target: {
      tunnel: addressOf(armOf('tunnel')),
      direct: addressOf(armOf('direct')) || null,
      method: plan.arms[0]?.requests[0]?.method ?? 'GET',
      timeoutMs: plan.timeoutMs,
      protocol: plan.arms[0]?.protocol ?? 'http1',
      bodyBytes: bodyBytes(plan.arms[0]?.requests[0]?.body ?? null)?.byteLength ?? 0,
      content: contentHash(plan.arms),
    },
    profile: {
      name: profile.name,
      arrivals: (plan.trace ?? null) === null ? plan.arrivals : 'recorded',
      seed: plan.seed,
      warmUpS: plan.warmUpS,
      model: plan.model ?? 'open',
      ...(plan.shard != null && { shard: plan.shard }),
    },
    startedAt: startedAt.toISOString(),
    stopped,
    steps,
    totals: {
      durationS: steps.reduce((sum, { durationS }) => sum + durationS, 0),
      arms: { tunnel: EMPTY_ARM, ...arms },
    },
    thresholds: judgeSteps(
      thresholds,
      steps.map(({ rate, arms, addedMs: added, generator }) => ({ rate, tunnel: arms.tunnel, added, generator })),
    ),
    generator: worstOf(steps.map((step) => step.generator)),
    evidence,
    verdict: verdict(steps, evidence),
    sections,
  };
}

/** The generator at its worst step, figure by figure. */
export function worstOf(all: readonly GeneratorReport[]): GeneratorReport {
  const most = (read: (each: GeneratorReport) => number): number => Math.max(0, ...all.map((each) => read(each)));
  const mostKnown = (read: (each: GeneratorReport) => number | null): number | null => {
    const known = all.map((each) => read(each)).filter((value) => value !== null);
    return known.length === 0 ? null : Math.max(...known);
  };
  return {
    lagP50Ms: most(({ lagP50Ms }) => lagP50Ms),
    lagP99Ms: most(({ lagP99Ms }) => lagP99Ms),
    elu: mostKnown(({ elu }) => elu),
    cpuPercent: mostKnown(({ cpuPercent }) => cpuPercent),
    sentRatio: Math.min(1, ...all.map(({ sentRatio }) => sentRatio)),
    stealPercent: mostKnown(({ stealPercent }) => stealPercent),
    throttledPercent: mostKnown(({ throttledPercent }) => throttledPercent),
    maxInFlight: most(({ maxInFlight }) => maxInFlight),
  };
}
