import { LoadError } from './errors.ts';

/** @throws LoadError `SP_LOAD_OPTIONS` when `value` is not a number from `low` to `high`; `what` names it */
export function inRange(value: unknown, low: number, high: number, what: string): number {
  if (typeof value === 'number' && value >= low && value <= high) return value;
  throw new LoadError(
    'SP_LOAD_OPTIONS',
    `${what} must be a number from ${low} to ${high}, not ${JSON.stringify(value)}`,
  );
}

/** The same for what can only be counted. */
export function wholeIn(value: unknown, low: number, high: number, what: string): number {
  const number = inRange(value, low, high, what);
  if (Number.isInteger(number)) return number;
  throw new LoadError('SP_LOAD_OPTIONS', `${what} must be a whole number, not ${number}`);
}
