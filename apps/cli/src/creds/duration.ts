/** Durations as people write them on the command line. */
import { usageError } from '../exit.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `24h`, `7d` in milliseconds; 0 needs no unit. Throws a usage CommandError. */
export function durationMs(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  if (text === '0') return 0;
  if (unitMs === undefined) throw usageError(`${text} is not a duration`, 'write 90s, 30m, 24h or 7d');
  return Number(digits) * unitMs;
}
