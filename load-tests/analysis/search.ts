/**
 * The search for the highest rate that is carried, as a pure state machine: given all tries so far, which comes next.
 * It never looks at a target, so that it can be tried on systems that are made up.
 */

/** `unfit`: the generator or its machine was not fit to tell. */
export type Outcome = 'carried' | 'refused' | 'unfit';
export type Phase = 'step' | 'bisection' | 'confirmation';
export type Tried = { rate: number; outcome: Outcome };
export type NextTry = { rate: number; phase: Phase };

export type SearchPlan = {
  /** The rates of the first phase, rising. */
  rates: readonly number[];
  /** The knee is narrowed down until the refused rate is at most this part above the carried one. */
  resolution: number;
  /** After this many tries the search ends with what it has. */
  maxTries: number;
};

/** A rate that ends the search must have said the same this often more than the opposite. */
const CONFIRMED_BY = 2;
/** How often a rate is tried again that the generator has spoilt. */
const MAX_UNFIT_TRIES = 3;
/** Where even the lowest rate is refused: how often it is halved. */
const MAX_HALVINGS = 4;

/**
 * The next rate to try; null when the search is over.
 *
 * 1. Step: the plan's rates in turn, until one is refused. 2. Bisection at the geometric mean of the highest carried and
 * the lowest refused rate, until they are within the resolution. 3. Confirmation: both ends are tried once more.
 * Each try is a vote; a rate is what most of its votes say, and a tie is tried again. So one disturbance costs two tries
 * and not the answer: a rate refused by chance is voted back, and the search goes on from there. With a chance e of a
 * wrong vote, an end is wrong with about e², against e for a search without confirmation. Capacity is taken to be
 * monotonic: what lies above the lowest refused rate is not looked at.
 * A rate that the generator spoils three times ends the search below it: nothing above it can be judged.
 */
export function nextTry(plan: SearchPlan, tries: readonly Tried[]): NextTry | null {
  if (tries.length >= plan.maxTries) return null;
  const votes = countVotes(tries);
  const tied = votes.find(({ lead, spoilt, isVoted }) => isVoted && lead === 0 && spoilt < MAX_UNFIT_TRIES);
  if (tied !== undefined) return { rate: tied.rate, phase: 'confirmation' };
  const { carried, refused } = endsOf(votes);
  const spoilt = votes.find((each) => !each.isVoted);
  if (spoilt !== undefined && (refused === null || spoilt.rate < refused.rate)) {
    return spoilt.spoilt < MAX_UNFIT_TRIES ? { rate: spoilt.rate, phase: phaseOf(plan, spoilt.rate) } : null;
  }
  if (refused === null) {
    const rate = plan.rates.find((each) => each > (carried?.rate ?? 0));
    return rate === undefined ? null : { rate, phase: 'step' };
  }
  if (carried === null) return halve(refused, tries);
  if (refused.rate > carried.rate * (1 + plan.resolution)) return bisect(carried.rate, refused.rate);
  const unsure = [carried, refused].find(({ lead }) => Math.abs(lead) < CONFIRMED_BY);
  return unsure === undefined ? null : { rate: unsure.rate, phase: 'confirmation' };
}

export type SearchResult = {
  /** Null: not saturated, or nothing was carried. */
  knee: { carriedRate: number; refusedRate: number } | null;
  /** The highest carried rate below every refused one. */
  carriedRate: number | null;
  refusedRate: number | null;
  /** Both ends were confirmed and lie within the resolution. */
  isConfirmed: boolean;
  /** A rate that the generator spoilt, where that ended the search. */
  unfitRate: number | null;
};

export function resultOf(plan: SearchPlan, tries: readonly Tried[]): SearchResult {
  const votes = countVotes(tries);
  const { carried, refused } = endsOf(votes);
  const spoilt = votes.find((each) => !each.isVoted);
  const hasBoth = carried !== null && refused !== null;
  return {
    knee: hasBoth ? { carriedRate: carried.rate, refusedRate: refused.rate } : null,
    carriedRate: carried?.rate ?? null,
    refusedRate: refused?.rate ?? null,
    isConfirmed:
      hasBoth &&
      refused.rate <= carried.rate * (1 + plan.resolution) &&
      Math.min(carried.lead, -refused.lead) >= CONFIRMED_BY,
    unfitRate: spoilt !== undefined && spoilt.rate < (refused?.rate ?? Infinity) ? spoilt.rate : null,
  };
}

/** What the tries of one rate say. `lead`: carried less refused. `isVoted` false: all were spoilt. */
type Votes = { rate: number; lead: number; spoilt: number; isVoted: boolean };

function countVotes(tries: readonly Tried[]): Votes[] {
  const byRate = new Map<number, Votes>();
  for (const { rate, outcome } of tries) {
    const votes = byRate.get(rate) ?? { rate, lead: 0, spoilt: 0, isVoted: false };
    byRate.set(rate, votes);
    if (outcome === 'unfit') votes.spoilt += 1;
    else votes.isVoted = true;
    if (outcome === 'carried') votes.lead += 1;
    if (outcome === 'refused') votes.lead -= 1;
  }
  return [...byRate.values()].sort((a, b) => a.rate - b.rate);
}

/** The lowest refused rate, and the highest carried one below it. */
function endsOf(votes: readonly Votes[]): { carried: Votes | null; refused: Votes | null } {
  const refused = votes.find(({ lead }) => lead < 0) ?? null;
  const carried = votes.findLast(({ rate, lead }) => lead > 0 && rate < (refused?.rate ?? Infinity)) ?? null;
  return { carried, refused };
}

function phaseOf({ rates }: SearchPlan, rate: number): Phase {
  return rates.includes(rate) ? 'step' : 'bisection';
}

/** Nothing was carried yet: half of the lowest refused rate, a few times. */
function halve(refused: Votes, tries: readonly Tried[]): NextTry | null {
  const first = tries[0]?.rate ?? 0;
  const rate = refused.rate / 2;
  return rate < first / 2 ** MAX_HALVINGS ? null : { rate, phase: 'bisection' };
}

/** The geometric mean, since the resolution is a ratio; to a whole number where there is one between. */
function bisect(low: number, high: number): NextTry {
  const middle = Math.sqrt(low * high);
  const whole = Math.round(middle);
  return { rate: whole > low && whole < high ? whole : middle, phase: 'bisection' };
}

/** Rates from `from` to `to`, each `factor` times the last, to three digits; none is over `to`, which is the last. */
export function steppedRates(from: number, to: number, factor: number): number[] {
  const rates: number[] = [];
  for (let rate = from; rate < to; rate *= factor) rates.push(Math.min(to, Number(rate.toPrecision(3))));
  return [...new Set([...rates, to])];
}
