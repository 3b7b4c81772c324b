import { MIN_ANSWERS } from '../analysis/paired.ts';
import { rateText } from '../analysis/rate-text.ts';
import { refuse } from './errors.ts';

/** @throws LoadError `SP_LOAD_OPTIONS` when `value` is not a number from `low` to `high`; `what` names it */
export function inRange(value: unknown, low: number, high: number, what: string): number {
  if (typeof value === 'number' && value >= low && value <= high) return value;
  throw refuse(`${what} must be a number from ${low} to ${high}, not ${JSON.stringify(value)}`);
}

/** The same for what can only be counted. */
export function wholeIn(value: unknown, low: number, high: number, what: string): number {
  const number = inRange(value, low, high, what);
  if (Number.isInteger(number)) return number;
  throw refuse(`${what} must be a whole number, not ${number}`);
}

/**
 * Too few requests to say anything of their median.
 * @param rate requests/s for each of `durationS` seconds that are judged by themselves
 * @throws LoadError `SP_LOAD_OPTIONS`; `fix` says what to give
 */
export function refuseFewAnswers(rate: number, durationS: number, fix: string): void {
  if (rate * durationS >= MIN_ANSWERS) return;
  throw refuse(
    `${rateText(rate)}/s for ${durationS} s are fewer than the ${MIN_ANSWERS} requests that are judged together; give ${fix}`,
  );
}
