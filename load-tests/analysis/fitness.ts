import { GENERATOR_KINDS, SLOWNESS_KINDS } from '../engine/error-kinds.ts';
import type { ArmReport, StepReport } from '../report/model.ts';
import { rateText } from './rate-text.ts';
import { starvedProcess } from './starved.ts';

/** The limits of a generator that can be believed. */
const LAG_FLOOR_MS = 1;
const LAG_SHARE_OF_P50 = 0.05;
const MIN_SENT_RATIO = 0.995;
const MAX_ELU = 0.7;
const MAX_STEAL_PERCENT = 2;
const MAX_THROTTLED_PERCENT = 1;
/** Lag that is less than this part of the p99 it would explain does not explain it. */
const LAG_SHARE_OF_P99 = 0.1;
/** A limit of requests in flight must leave this much room over rate × latency at the lowest step. */
const IN_FLIGHT_ROOM = 2;
const MS_PER_S = 1000;
/** A lag beyond this delivers the load as a burst, and whoever guards a queue refuses the end of it. */
const BURST_LAG_MS = 100;
const HALF = 0.5;
const REFUSALS = ['429', '503'] as const;
/** From this part of the requests on, failures are what is to be explained. */
const MIN_FAILED_SHARE = 0.01;

/** Signs against the generator in a step: those that would explain a degradation, and all others. */
export type Fitness = { guilty: string[]; caveats: string[] };

/**
 * Is the generator itself the bottleneck? Checked before anybody else is blamed.
 *
 * Guilty by: requests that left after the step's end (achieved/offered under 0.995); an event loop busy for more than
 * 70 % (queueing in it then shows in what it measures: at utilisation ρ waiting grows as ρ/(1−ρ), M/G/1,
 * Pollaczek–Khinchine); an event loop that works without getting the CPU for it (`starvedProcess`); CPU time stolen by the hypervisor or withheld by the cgroup's quota; a limit of requests in
 * flight below what the offered load needs at the lowest step's latency (Little's law); and a lag whose p99 is over
 * max(1 ms, 5 % of p50), provided that it is at least a tenth of the p99 in question. A smaller lag cannot have caused
 * it; it is named as a caveat. So is everything of this kind where the step is degraded by error answers or broken
 * connections: no lag makes a server answer 500, though a long one, made up for in a burst, makes it refuse. Running
 * out of ports or descriptors is the generator's own doing. Dropped arrivals with enough room for requests in flight
 * are not: they mean that answers did not come.
 * @param lagShare from this part of the p99 on a lag is a sign against the generator
 */
export function generatorFitness(step: StepReport, lowestP50Ms: number, lagShare = LAG_SHARE_OF_P99): Fitness {
  const { tunnel } = step.arms;
  const { guilty, caveats } = slowness(step, lowestP50Ms, lagShare);
  const own = countOf(tunnel, GENERATOR_KINDS);
  const refused = REFUSALS.reduce((sum, status) => sum + (tunnel.statusCodes[status] ?? 0), 0);
  const burst = step.generator.lagP99Ms > BURST_LAG_MS ? refused : 0;
  const others = tunnel.failed - own - burst - countOf(tunnel, SLOWNESS_KINDS);
  const threshold = Math.max(1, MIN_FAILED_SHARE * tunnel.requests);
  if (own >= threshold) {
    return {
      guilty: [`generator: ${own} requests failed for want of its own ports or descriptors`, ...guilty],
      caveats,
    };
  }
  return others >= threshold ? { guilty: [], caveats: [...guilty, ...caveats] } : { guilty, caveats };
}

/** Signs that the generator made things late. */
function slowness(step: StepReport, lowestP50Ms: number, lagShare: number): Fitness {
  const { generator, arms, rate } = step;
  const { p50, p99 } = arms.tunnel.latencyMs;
  const guilty: string[] = [];
  const caveats: string[] = [];
  const at = `at ${rateText(rate)}/s`;
  if (generator.sentRatio < MIN_SENT_RATIO) {
    guilty.push(`generator: only ${percent(generator.sentRatio)} of the requests left within the step ${at}`);
  }
  if (generator.elu !== null && generator.elu > MAX_ELU) {
    guilty.push(`generator: event loop busy ${percent(generator.elu)} of the time ${at}`);
  }
  const starved = starvedProcess(generator);
  if (starved !== null) {
    const had = `with ${(100 * starved.cores).toFixed(0)} % of a core`;
    guilty.push(
      `generator: event loop busy ${percent(starved.busy)} of the time ${had} ${at}: it does not get its CPU`,
    );
  }
  if ((generator.stealPercent ?? 0) > MAX_STEAL_PERCENT) {
    guilty.push(`machine: ${generator.stealPercent?.toFixed(1)} % of CPU time stolen by the hypervisor ${at}`);
  }
  if ((generator.throttledPercent ?? 0) > MAX_THROTTLED_PERCENT) {
    guilty.push(`machine: throttled by its cgroup for ${generator.throttledPercent?.toFixed(1)} % of the time ${at}`);
  }
  const needed = (IN_FLIGHT_ROOM * rate * lowestP50Ms) / MS_PER_S;
  if (arms.tunnel.dropped > 0 && generator.maxInFlight < needed) {
    guilty.push(
      `generator: its limit of ${generator.maxInFlight} requests in flight is too low for ${rateText(rate)}/s`,
    );
  }
  if (generator.lagP99Ms > Math.max(LAG_FLOOR_MS, LAG_SHARE_OF_P50 * p50)) {
    const lag = `generator: p99 of its own lag ${generator.lagP99Ms.toFixed(1)} ms ${at}`;
    (generator.lagP99Ms >= lagShare * p99 ? guilty : caveats).push(lag);
  }
  return { guilty, caveats };
}

function countOf(arm: ArmReport, kinds: readonly string[]): number {
  return kinds.reduce((sum, kind) => sum + (arm.errors[kind] ?? 0), 0);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A median lag over this means that every other request left late. */
const LATE_MEDIAN_MS = 2;
const LATE_TAIL_MS = 50;

/**
 * A generator that was late at most rates, though all of them were carried: then its own lag is what the figures show.
 * Guilty where in more than half of the steps the median lag is over 2 ms and over a tenth of the median latency, or its
 * p99 over 50 ms and at least half of the p99 that was measured. Null: fit enough.
 */
export function unfitThroughout(steps: readonly StepReport[]): string[] | null {
  const late = steps.filter(({ generator, arms }) => {
    const { p50, p99 } = arms.tunnel.latencyMs;
    const isMedian = generator.lagP50Ms > LATE_MEDIAN_MS && generator.lagP50Ms > LAG_SHARE_OF_P99 * p50;
    return isMedian || (generator.lagP99Ms > LATE_TAIL_MS && generator.lagP99Ms > HALF * p99);
  });
  if (late.length <= HALF * steps.length) return null;
  return late.map(
    ({ generator, rate }) =>
      `generator: its own lag p50 ${generator.lagP50Ms.toFixed(1)} ms, p99 ${generator.lagP99Ms.toFixed(1)} ms at ${rateText(rate)}/s`,
  );
}

/** The median over windows bears up to half of them spoilt; a quarter leaves room for what was not noticed. */
const MAX_UNFIT_SHARE = 0.25;
/** Arms that take turns meet the same lag: it spoils their difference only where it is most of what was measured. */
const PAIRED_LAG_SHARE = 0.5;

/** What an answer needs, by the quickest arm: one that hangs would need a generator without limits. */
function quickestP50Ms({ arms }: StepReport): number {
  const answering = Object.values(arms).filter(({ ok }) => ok > 0);
  return Math.min(...(answering.length === 0 ? [arms.tunnel] : answering).map(({ latencyMs }) => latencyMs.p50));
}

/**
 * Windows in which the generator was not fit, one sign for each. `isTooMany`: over a quarter of them, so that what is
 * compared over the windows proves nothing.
 */
export function unfitWindows(steps: readonly StepReport[]): { signs: string[]; isTooMany: boolean } {
  const signs = steps.flatMap((step) =>
    generatorFitness(step, quickestP50Ms(step), PAIRED_LAG_SHARE).guilty.slice(0, 1),
  );
  return { signs, isTooMany: signs.length > MAX_UNFIT_SHARE * steps.length };
}
