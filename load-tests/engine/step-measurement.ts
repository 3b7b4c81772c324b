import { TIMED_HOPS } from '../report/model.ts';
import type { ArmName, ArmReport, GeneratorReport, HopsReport, SecondReport } from '../report/model.ts';
import type { ProfileStep } from '../profiles/profile.ts';
import { DurationHistogram } from './histogram.ts';
import type { EnginePlan, StepHistograms, StepMeasurement } from './plan.ts';
import type { Lane } from './step-run.ts';

export type StepParts = {
  step: ProfileStep;
  plan: EnginePlan;
  durationS: number;
  complete: boolean;
  lanes: Lane[];
  seconds: SecondReport[];
  watched: Pick<GeneratorReport, 'elu' | 'cpuPercent' | 'stealPercent' | 'throttledPercent'>;
};

/** Puts a finished step's parts together. */
export function measurement({ lanes, watched, plan, step, ...times }: StepParts): StepMeasurement {
  const lag = new DurationHistogram();
  const arms: Partial<Record<ArmName, ArmReport>> = {};
  const histograms: Partial<Record<ArmName, StepHistograms>> = {};
  let sent = 0;
  let sentInTime = 0;
  for (const { arm, recorder } of lanes) {
    const recorded = recorder.finish();
    arms[arm.plan.name] = recorded.report;
    histograms[arm.plan.name] = recorded.histograms;
    lag.add(recorder.lag);
    sent += recorder.sent;
    sentInTime += recorder.sentInTime;
  }
  const hops = lanes.find(({ arm }) => arm.plan.name === 'tunnel')?.arm.hops() ?? null;
  return {
    ...times,
    rate: offeredRate(plan, step, arms),
    arms,
    hopsMs: hops === null ? null : hopsReport(hops),
    hopHistograms: hops?.map((hop) => hop.encode()) ?? null,
    generator: {
      lagP50Ms: lag.at(50),
      lagP99Ms: lag.at(99),
      sentRatio: sent === 0 ? 1 : sentInTime / sent,
      maxInFlight: plan.maxInFlight,
      ...watched,
    },
    histograms,
  };
}

/** A closed loop offers what is answered, a shard its part. */
function offeredRate(plan: EnginePlan, step: ProfileStep, arms: StepMeasurement['arms']): number {
  const [first] = plan.arms;
  if (plan.model === 'closed') return first === undefined ? 0 : (arms[first.name]?.achievedRate ?? 0);
  return step.rate / (plan.shard?.count ?? 1);
}

/** @param hops in the order of `TIMED_HOPS` */
export function hopsReport(hops: readonly DurationHistogram[]): HopsReport {
  return Object.fromEntries(TIMED_HOPS.map((name, index) => [name, hops[index]?.hop()])) as HopsReport;
}
