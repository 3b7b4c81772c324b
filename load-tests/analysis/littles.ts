/** Little's law as an audit of the books. */

/** Over this the two sides count as apart: time was lost outside what was measured. */
export const MAX_APART_SHARE = 0.1;
/** Under this many in flight on average the sampling error is larger than what is looked for. */
const MIN_IN_FLIGHT = 0.5;

/** `apartShare` is signed: above 0 more was in flight than the latencies account for. */
export type LittleAudit = { expected: number; sampled: number; apartShare: number; isBalanced: boolean };

/**
 * Little's law, L = λW: the mean number in flight equals the rate of those that leave times the mean time each of them
 * took, whatever the distributions and the order of service, as long as what came in went out (Little 1961; Little &
 * Graves 2008). Both sides are measured apart from each other, so a difference over 10 % means time in flight that no
 * latency has in it, or the reverse. Null with fewer than half a request in flight: nothing to audit.
 * @param sampled requests in flight on average, sampled
 * @param ratePerS requests that ended, per second of the same time
 * @param meanMs their mean time in flight (service, not response: what waited to be sent was not in flight)
 */
export function auditBooks(sampled: number, ratePerS: number, meanMs: number): LittleAudit | null {
  const expected = inFlightOf(ratePerS, meanMs);
  if (Math.max(expected, sampled) < MIN_IN_FLIGHT) return null;
  const apartShare = expected === 0 ? Infinity : sampled / expected - 1;
  return { expected, sampled, apartShare, isBalanced: Math.abs(apartShare) <= MAX_APART_SHARE };
}

/** L = λW, with the time in milliseconds. */
export function inFlightOf(ratePerS: number, meanMs: number): number {
  return (ratePerS * meanMs) / 1000;
}
