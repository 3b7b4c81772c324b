import type { TimedHop } from '../report/model.ts';
import type { WhatIf } from '../report/sections.ts';
import { meanWaitMs } from './queueing.ts';
import { rateText } from './rate-text.ts';

/** Mean and standard deviation, ms. */
export type Moments = { meanMs: number; deviationMs: number };
/** `body`: the way of an answer's body, from its head to its last byte, which is in no hop; absent where it is short. */
export type HopMoments = Record<TimedHop, Moments> & { body?: Moments };

/** From when the server gives a slot until the answer's last byte is on its way, a request holds it: these, and the body. */
const HOLDING_HOPS = ['link', 'slot', 'client', 'backend'] as const;

/** A rate and its hops. */
export type SlotUse = { rate: number; hops: HopMoments };

/**
 * The mean time in the queue hop with other numbers of slots, at rates that were measured: first what was measured with
 * the slots there are, then what the model says of these and of the others (`meanWaitMs`).
 *
 * A slot is held for link + slot + client + backend, the hops behind the queue, and the answer's body. Their variances are added, as if each
 * varied by itself; where one of them (the backend, mostly) varies much more than the others that is nearly so. The
 * model takes the time held as it was measured, so it does not know of a backend that slows when more reach it at once:
 * it says what the queue would do, and not that the backend bears it.
 * @param arrivalScv squared coefficient of variation of the times between arrivals: 1 for Poisson, 0 for uniform
 */
export function whatIf(
  uses: readonly SlotUse[],
  slots: number,
  others: readonly number[],
  arrivalScv: number,
): WhatIf[] {
  return uses.flatMap(({ rate, hops }) => {
    const { holdMs, holdScv } = holdOf(hops);
    const modelled = [...new Set([slots, ...others])].map((each) => ({
      rate,
      slots: each,
      queueMeanMs: meanWaitMs({ ratePerS: rate, slots: each, holdMs, arrivalScv, holdScv }),
      isMeasured: false,
    }));
    return [{ rate, slots, queueMeanMs: hops.queue.meanMs, isMeasured: true }, ...modelled];
  });
}

/** How long a slot is held, and the squared coefficient of variation of that. */
export function holdOf(hops: HopMoments): { holdMs: number; holdScv: number } {
  const parts = [...HOLDING_HOPS.map((hop) => hops[hop]), ...(hops.body === undefined ? [] : [hops.body])];
  const holdMs = parts.reduce((sum, { meanMs }) => sum + meanMs, 0);
  const variance = parts.reduce((sum, { deviationMs }) => sum + deviationMs ** 2, 0);
  return { holdMs, holdScv: holdMs === 0 ? 0 : variance / holdMs ** 2 };
}

/** "with 20 slots instead of 10 the queue hop falls from 41 to 3 ms at 480/s", for the highest rate; null without one. */
export function whatIfSentence(rows: readonly WhatIf[]): string | null {
  const top = Math.max(...rows.map(({ rate }) => rate));
  const at = rows.filter(({ rate }) => rate === top);
  const now = at.find(({ isMeasured }) => isMeasured);
  const other = at.find(({ slots, isMeasured }) => !isMeasured && slots !== now?.slots);
  if (now?.queueMeanMs == null || other === undefined) return null;
  const change = `with ${other.slots} slots instead of ${now.slots} the queue hop`;
  if (other.queueMeanMs === null) return `${change} would grow without end at ${rateText(top)}/s`;
  const verb = other.queueMeanMs < now.queueMeanMs ? 'falls' : 'rises';
  return `${change} ${verb} from ${short(now.queueMeanMs)} to ${short(other.queueMeanMs)} ms at ${rateText(top)}/s (model)`;
}

function short(valueMs: number): string {
  return Number(valueMs.toPrecision(2)).toString();
}
