import { steppedRates } from '../analysis/search.ts';
import type { SearchPlan } from '../analysis/search.ts';
import { refuse } from './errors.ts';
import { refuseUnread } from './fail-if.ts';
import type { LoadOptions } from './load-options.ts';
import { prepare } from './options.ts';
import type { Prepared } from './options.ts';
import { inRange, refuseFewAnswers, wholeIn } from './ranges.ts';

const DEFAULT_PROFILE = 'capacity';
const DEFAULT_FROM = 125;
const DEFAULT_TO = 8000;
const DEFAULT_FACTOR = 2;
/** Long enough for a climb to show (`climbOf` needs eight whole seconds). */
const DEFAULT_TRY_S = 10;
const DEFAULT_RESOLUTION_PERCENT = 5;
const DEFAULT_PAUSE_S = 1;
const MAX_PAUSE_S = 600;
const MAX_TRIES = 40;
const MAX_SLOTS = 100_000;
const MAX_WHAT_IF = 8;

export type CapacityOptions = LoadOptions & {
  /** Rates of the first phase, instead of a profile's: from, to, and the factor between them (125, 8,000, 2). */
  from?: number | undefined;
  to?: number | undefined;
  factor?: number | undefined;
  /** How near the ends of the knee are to be, percent; default 5. */
  resolutionPercent?: number | undefined;
  /** Before each try, and again while the target has not settled; default 1. */
  pauseS?: number | undefined;
  /** Slots of the tunnel's clients together; default: as the server's `/metrics` say. */
  slots?: number | undefined;
  /** Other numbers of slots to ask the queueing model about; default: twice as many. */
  whatIfSlots?: number[] | undefined;
};

/** A search after every check. The plan's steps are the rates of the first phase. */
export type PreparedCapacity = {
  prepared: Prepared;
  search: SearchPlan;
  pauseS: number;
  slots: number | null;
  whatIfSlots: number[] | null;
};

/** @throws LoadError of exit code 2, whose message says how to fix it */
export function prepareCapacity(options: CapacityOptions): PreparedCapacity {
  const { from, to, factor, durationS, profile, slots, whatIfSlots } = options;
  if (options.rate !== undefined) {
    throw refuse('load capacity finds the rate: give --from and --to instead of --rate, or a --profile');
  }
  if (options.model === 'closed') throw refuse('a closed loop has no rate to search for; leave out --model closed');
  const isStepped = [from, to, factor, durationS].some((each) => each !== undefined);
  if (isStepped && profile !== undefined) {
    throw refuse('give either --profile or --from, --to, --factor and --duration');
  }
  const prepared = isStepped
    ? prepareStepped(options)
    : prepare({ ...options, profile: profile ?? DEFAULT_PROFILE, durationS: undefined });
  if (prepared.plan.model === 'closed' || prepared.plan.trace != null) {
    throw refuse('a search chooses its own arrivals; give a profile with rates in the open model');
  }
  if (whatIfSlots !== undefined && whatIfSlots.length > MAX_WHAT_IF) {
    throw refuse(`--what-if takes at most ${MAX_WHAT_IF} numbers of slots`);
  }
  const rates = [...new Set(prepared.plan.steps.map(({ rate }) => rate))].sort((a, b) => a - b);
  // Every try lasts as long as the first step of the plan.
  refuseFewAnswers(rates[0] ?? 0, prepared.plan.steps[0]?.durationS ?? 0, 'a higher --from or a longer --duration');
  // A try is made through the tunnel alone.
  refuseUnread(prepared.thresholds, [{ name: 'tunnel' }]);
  const percent = inRange(options.resolutionPercent ?? DEFAULT_RESOLUTION_PERCENT, 0.5, 100, '--resolution (%)');
  return {
    prepared,
    search: { rates, resolution: percent / 100, maxTries: MAX_TRIES },
    pauseS: inRange(options.pauseS ?? DEFAULT_PAUSE_S, 0, MAX_PAUSE_S, '--pause (s)'),
    slots: slots === undefined ? null : wholeIn(slots, 1, MAX_SLOTS, '--slots'),
    whatIfSlots: whatIfSlots?.map((each) => wholeIn(each, 1, MAX_SLOTS, '--what-if (slots)')) ?? null,
  };
}

function prepareStepped(options: CapacityOptions): Prepared {
  const { from = DEFAULT_FROM, factor = DEFAULT_FACTOR, durationS = DEFAULT_TRY_S } = options;
  const to = options.to ?? Math.max(from, DEFAULT_TO);
  inRange(factor, 1.05, 100, '--factor');
  inRange(from, 0.1, to, '--from (requests/s, up to --to)');
  // The highest rate is what has to be allowed.
  const prepared = prepare({ ...options, rate: to, durationS });
  const steps = steppedRates(from, to, factor).map((rate) => ({ rate, durationS }));
  return { ...prepared, profile: { ...prepared.profile, name: DEFAULT_PROFILE }, plan: { ...prepared.plan, steps } };
}
