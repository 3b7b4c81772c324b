import type { ArmName, StepReport } from '../report/model.ts';
import { makeArm, makeStep } from './steps.ts';

/** A window of a synthetic duet: p50 of each arm; p99 is twice that, unless told. */
export type WindowShape = Partial<Record<ArmName, number | { p50: number; p99: number; failed?: number }>>;

const RATE = 200;
const WINDOW_S = 3;

export function makeWindow(shape: WindowShape): StepReport {
  const step = makeStep({ rate: RATE, durationS: WINDOW_S });
  const arms: StepReport['arms'] = { tunnel: step.arms.tunnel };
  for (const [name, figures] of Object.entries(shape)) {
    const { p50, p99, failed = 0 } = typeof figures === 'number' ? { p50: figures, p99: 2 * figures } : figures;
    arms[name as ArmName] = makeArm(RATE * WINDOW_S, WINDOW_S, { p50, p99, failed });
  }
  return { ...step, arms };
}

/** `count` windows, each by a shape drawn for it. */
export function makeWindows(count: number, shape: (index: number) => WindowShape): StepReport[] {
  return Array.from({ length: count }, (_, index) => makeWindow(shape(index)));
}
