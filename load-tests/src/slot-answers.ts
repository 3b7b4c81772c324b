import { stepsByRate } from '../analysis/capacity.ts';
import type { SearchResult } from '../analysis/search.ts';
import { whatIf, whatIfSentence } from '../analysis/what-if.ts';
import type { WhatIf } from '../report/sections.ts';
import type { CapacityRun } from './capacity-run.ts';
import type { PreparedCapacity } from './capacity-options.ts';
import { findParts } from './parts.ts';
import type { AdminPorts } from './parts.ts';
import { sumOf } from './prometheus-text.ts';
import { isLoopback } from './target.ts';

/** How many carried rates below the knee the queueing model is shown at. */
const CARRIED_RATES = 2;

/**
 * What other numbers of slots would do to the queue hop, at the last carried rates and the refused one; with a sentence,
 * or with why there is no answer.
 */
export async function answerSlots(
  { prepared, slots: told, whatIfSlots }: PreparedCapacity,
  run: CapacityRun,
  result: SearchResult,
  admin: AdminPorts,
): Promise<{ rows: WhatIf[]; note: string | null }> {
  const slots = told ?? (await slotsOf(admin, prepared.plan.arms[0]?.origin ?? ''));
  if (slots === null) {
    return { rows: [], note: 'no answer to what other slots would do: give --slots N or the server’s --admin URL' };
  }
  // Arrivals of a schedule without chance do not vary; Poisson's do by as much as their mean.
  const arrivalScv = prepared.plan.arrivals === 'poisson' ? 1 : 0;
  const rows = whatIf(usesOf(run, result), slots, whatIfSlots ?? [2 * slots], arrivalScv);
  return { rows, note: whatIfSentence(rows) };
}

function usesOf(run: CapacityRun, { carriedRate, refusedRate }: SearchResult) {
  const carried = stepsByRate(run.tries).filter(({ rate }) => rate <= (carriedRate ?? 0));
  const rates = [
    ...carried.slice(-CARRIED_RATES).map(({ rate }) => rate),
    ...(refusedRate === null ? [] : [refusedRate]),
  ];
  return rates.flatMap((rate) => {
    const hops = run.hopsAt(rate);
    return hops === null ? [] : [{ rate, hops }];
  });
}

/** Slots of all clients, as the server counts them; null where that cannot be read. */
async function slotsOf(admin: AdminPorts, origin: string): Promise<number | null> {
  const { parts } = await findParts(admin, origin !== '' && isLoopback(new URL(origin)));
  const server = parts.find(({ name }) => name === 'server');
  return server === undefined ? null : sumOf(server.first.samples, 'sallyport_slots', { part: 'server' }) || null;
}
