import { calibrate } from '../engine/calibrate.ts';
import type { Calibrate } from './load-ramp.ts';
import type { LoadOptions } from './load-options.ts';

/** Calibrates the embedded engine; k6 is measured as it is. */
export function calibrated({ engine }: Pick<LoadOptions, 'engine'>): Calibrate | undefined {
  if (engine === 'k6') return undefined;
  return async (plan, signal = new AbortController().signal) => await calibrate(plan, signal);
}
