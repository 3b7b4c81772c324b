import type { LoadReport } from '../report/model.ts';

export type LoadExitCode = 0 | 1 | 3 | 99 | 130;

/**
 * 1 it broke while running; 130 interrupted; 99 a threshold failed; 3 inconclusive; 0 done, whoever may be at fault.
 * A generator that was not fit comes before a threshold that failed only where it was not: that failure proves nothing.
 * With `at` null it was not fit anywhere.
 */
export function exitCodeOf({ stopped, verdict, thresholds }: LoadReport): LoadExitCode {
  if (stopped?.reason === 'error') return 1;
  if (stopped?.reason === 'interrupted') return 130;
  const believed = (rate: number): boolean => verdict.fault !== 'generator' || rate < (verdict.at ?? -Infinity);
  if (stopped?.reason === 'threshold' && verdict.fault !== 'generator') return 99;
  if (thresholds.some(({ failedAt }) => failedAt.some((rate) => believed(rate)))) return 99;
  return verdict.fault === 'generator' || verdict.fault === 'inconclusive' ? 3 : 0;
}
