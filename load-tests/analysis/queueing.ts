/** How long requests wait for a slot: a queue in front of c equal servers. Times in milliseconds, rates per second. */

/** Above this Erlang's recursion would take long; nobody has as many slots. */
export const MAX_SLOTS = 100_000;
const MS_PER_S = 1000;

export type SlotLoad = {
  ratePerS: number;
  slots: number;
  /** How long a request holds a slot, on average. */
  holdMs: number;
  /** Squared coefficient of variation (variance over squared mean) of the time between arrivals: 1 for Poisson. */
  arrivalScv: number;
  /** The same of the time a slot is held: 0 where all take equally long, 1 where it is exponential. */
  holdScv: number;
};

/**
 * Erlang's C: the probability that an arrival finds all `slots` taken, M/M/c, offered load `erlangs` = rate × time held.
 * By the recursion of Erlang's B, which does not overflow: B(0) = 1, B(k) = aB(k−1) / (k + aB(k−1)), then
 * C = B / (1 − ρ(1 − B)), ρ = a/c. 1 when ρ ≥ 1.
 *
 * Source: Erlang 1917; Kleinrock, Queueing Systems I, §3.5; the recursion: Jagerman 1974.
 */
export function erlangC(slots: number, erlangs: number): number {
  if (erlangs >= slots) return 1;
  let blocked = 1;
  for (let k = 1; k <= Math.min(slots, MAX_SLOTS); k++) blocked = (erlangs * blocked) / (k + erlangs * blocked);
  return blocked / (1 - (erlangs / slots) * (1 - blocked));
}

/**
 * The mean wait for a slot in milliseconds, G/G/c by Allen and Cunneen:
 *   Wq ≈ (Ca² + Cs²)/2 · C(c, a) · S / (c − a)
 * The last two factors are the mean wait of M/M/c (exact); the first corrects for arrivals and holding times that vary
 * less or more than exponentially. With Ca² = 1 it is Lee and Longton's M/G/c, exact for c = 1 (Pollaczek–Khinchine).
 * A few percent off at high utilisation, where it matters; at low utilisation the wait is small and so is the error.
 * Null at and beyond saturation (a ≥ c): there is no mean, the queue grows until something refuses.
 *
 * Source: Lee & Longton, Operational Research Quarterly 10 (1959); Allen, Probability, Statistics and Queueing Theory,
 * 2nd ed., §5.3; Whitt, The Queueing System G/GI/m, 1993, for how good it is.
 */
export function meanWaitMs({ ratePerS, slots, holdMs, arrivalScv, holdScv }: SlotLoad): number | null {
  const erlangs = (ratePerS * holdMs) / MS_PER_S;
  if (erlangs >= slots) return null;
  const mmc = (erlangC(slots, erlangs) * holdMs) / (slots - erlangs);
  return ((arrivalScv + holdScv) / 2) * mmc;
}

/** The rate at which all slots are taken all the time: no more can be carried, whatever the arrivals. */
export function slotCapacity(slots: number, holdMs: number): number {
  return holdMs > 0 ? (slots * MS_PER_S) / holdMs : Infinity;
}
