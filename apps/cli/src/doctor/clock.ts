/** This machine's clock against another's: certificates and the times in logs depend on both. */
import { ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

/** `Date` tells whole seconds (RFC 9110 §5.6.7), rounded down. */
const DATE_STEP_MS = 1_000;
const SKEW_MAX_MS = 5_000;

/**
 * What is certain about another clock's lead over ours, in milliseconds (0: none), from a `Date` field of an answer that
 * was asked for at `sentMs` and read at `receivedMs` by our clock. Null without a date.
 */
export function clockSkewMs(date: string | undefined, sentMs: number, receivedMs: number): number | null {
  const theirsMs = Date.parse(date ?? '');
  if (Number.isNaN(theirsMs)) return null;
  const leastMs = theirsMs - receivedMs;
  const mostMs = theirsMs + DATE_STEP_MS - sentMs;
  if (leastMs > 0) return leastMs;
  return mostMs < 0 ? mostMs : 0;
}

/** No finding where the answer bears no date. */
export function judgeClock(skewMs: number | null, where: string): Finding[] {
  if (skewMs === null) return [];
  if (Math.abs(skewMs) <= SKEW_MAX_MS)
    return [ok('clock', `${where}: the clocks agree within ${SKEW_MAX_MS / 1000} s`)];
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  const message = `${where}: its clock is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} this one`;
  return [warn('clock', message, 'let both machines keep time by NTP (timedatectl, chronyc tracking)')];
}
