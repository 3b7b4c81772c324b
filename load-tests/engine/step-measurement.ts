import type { ArmName, ArmReport, GeneratorReport, SecondReport } from '../report/model.ts';
import { DurationHistogram } from './histogram.ts';
import type { StepHistograms, StepMeasurement } from './plan.ts';
import type { Lane } from './step-run.ts';

export type StepParts = {
  rate: number;
  durationS: number;
  complete: boolean;
  lanes: Lane[];
  seconds: SecondReport[];
  watched: Pick<GeneratorReport, 'elu' | 'cpuPercent' | 'stealPercent' | 'throttledPercent'>;
  maxInFlight: number;
};

/** Puts a finished step's parts together. */
export function measurement({ lanes, watched, maxInFlight, ...step }: StepParts): StepMeasurement {
  const lag = new DurationHistogram();
  const arms: Partial<Record<ArmName, ArmReport>> = {};
  const histograms: Partial<Record<ArmName, StepHistograms>> = {};
  let sent = 0;
  let sentInTime = 0;
  for (const { arm, recorder } of lanes) {
    const { report, ...encoded } = recorder.finish();
    arms[arm.plan.name] = report;
    histograms[arm.plan.name] = encoded;
    lag.add(recorder.lag);
    sent += recorder.sent;
    sentInTime += recorder.sentInTime;
  }
  const tunnel = lanes.find(({ arm }) => arm.plan.name === 'tunnel');
  return {
    ...step,
    arms,
    hopsMs: tunnel?.arm.hops() ?? null,
    generator: {
      lagP50Ms: lag.at(50),
      lagP99Ms: lag.at(99),
      sentRatio: sent === 0 ? 1 : sentInTime / sent,
      maxInFlight,
      ...watched,
    },
    histograms,
  };
}
