import { setTimeout as delay } from 'node:timers/promises';
import { judgeStep } from '../analysis/capacity.ts';
import type { JudgedTry } from '../analysis/capacity.ts';
import type { NextTry } from '../analysis/search.ts';
import type { HopMoments } from '../analysis/what-if.ts';
import type { Engine, EnginePlan, StepMeasurement } from '../engine/plan.ts';
import type { ArmReport, StepReport } from '../report/model.ts';
import { violation } from './fail-if.ts';
import type { Threshold } from './fail-if.ts';
import { rateText } from '../analysis/rate-text.ts';
import { hopMoments, measureOne } from './measure.ts';
import type { LiveMetrics } from './live-metrics.ts';
import type { Writer } from './load-options.ts';
import { runPlan } from './run.ts';
import type { Stopped } from './run.ts';

/** Each try's own warm-up: its generator is a new process with new connections. */
const TRY_WARM_UP_S = 1;
/** The settle check: some requests at a low rate, for this long or half of a try. */
const SETTLE_RATE = 50;
const SETTLE_S = 1;
/** How often the check is repeated before the target counts as not recovered. */
const MAX_SETTLE_CHECKS = 10;
/** Settled: p50 at most three times that of the first check, or 5 ms over it; failures by no more than this share. */
const SETTLED_FACTOR = 3;
const SETTLED_FLOOR_MS = 5;
const SETTLED_FAILED_SHARE = 0.1;

export type CapacityRunOptions = {
  plan: EnginePlan;
  engine: Engine;
  /** The same engine, as it is watched during the tries alone. */
  watched: Engine;
  pauseS: number;
  thresholds: readonly Threshold[];
  signal: AbortSignal | undefined;
  stderr: Writer | undefined;
  isTty: boolean | undefined;
  live?: LiveMetrics | undefined;
};

type Try = JudgedTry & { measurement: StepMeasurement };

/** The tries of a search, one after the other; nothing runs in between. */
export class CapacityRun {
  readonly #options: CapacityRunOptions;
  readonly #plan: EnginePlan;
  readonly #tries: Try[] = [];
  readonly #direct = new Map<number, ArmReport>();
  #calm: ArmReport | null = null;
  #stopped: Stopped = null;
  #trouble: string | null = null;

  constructor(options: CapacityRunOptions) {
    this.#options = options;
    const { plan } = options;
    const arms = plan.arms.filter(({ name }) => name === 'tunnel');
    this.#plan = { ...plan, arms, warmUpS: Math.min(plan.warmUpS, TRY_WARM_UP_S), limits: [], abortOnFail: false };
  }

  get tries(): readonly JudgedTry[] {
    return this.#tries;
  }

  /** Why the run ended before the search did. */
  get stopped(): Stopped {
    return this.#stopped;
  }

  /** The target did not recover from a try: a sentence, or null. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Settles, tries, judges. False where the run has ended. */
  async attempt(next: NextTry): Promise<boolean> {
    if (!(await this.#settle())) return false;
    const { watched: engine, signal, stderr, isTty, live } = this.#options;
    const plan = this.#planOf(next.rate);
    const run = await runPlan({ plan, engine, folder: null, thresholds: [], signal, stderr, isTty, live });
    this.#stopped = run.stopped;
    const [step] = run.steps;
    const [measurement] = run.measurements;
    if (run.stopped !== null || step === undefined || measurement === undefined) return false;
    const judged = this.#judge(step);
    this.#tries.push({ ...next, ...judged, step, measurement });
    const why = judged.reasons.length === 0 ? '' : `: ${judged.reasons.join('; ')}`;
    stderr?.write(`        ${judged.outcome} (${next.phase})${why}\n`);
    return true;
  }

  /** Asks the backend alone at these rates, where there is a direct arm; added to the steps of the same rates. */
  async measureDirect(rates: readonly number[]): Promise<void> {
    const { plan, engine, signal, stderr } = this.#options;
    const arms = plan.arms.filter(({ name }) => name === 'direct');
    if (arms.length === 0) return;
    for (const rate of rates) {
      if (this.#stopped !== null || signal?.aborted === true) return;
      stderr?.write(`        the backend alone at ${rateText(rate)}/s\n`);
      const { direct } = (await measureOne(engine, { ...this.#planOf(rate), arms }, signal))?.arms ?? {};
      if (direct !== undefined) this.#direct.set(rate, direct);
    }
  }

  /** For the report: the steps of these tries with their direct arms, and what they were made of. */
  chosen(tries: readonly JudgedTry[]): { steps: StepReport[]; measurements: StepMeasurement[] } {
    const measurements = this.#tries.filter(({ step }) => tries.some((each) => each.step === step));
    const steps = tries.map(({ step }) => {
      const direct = this.#direct.get(step.rate);
      return direct === undefined ? step : { ...step, arms: { ...step.arms, direct }, apart: ['direct' as const] };
    });
    return { steps, measurements: measurements.map(({ measurement }) => measurement) };
  }

  /** The hops at a rate, of its last try; null where they are not known. */
  hopsAt(rate: number): HopMoments | null {
    const tried = this.#tries.findLast((each) => each.rate === rate);
    return tried === undefined ? null : hopMoments(tried.measurement);
  }

  #planOf(rate: number): EnginePlan {
    // Other arrivals for each try: the same ones would be the same chance twice.
    const seed = (this.#plan.seed + this.#tries.length) >>> 0;
    return { ...this.#plan, seed, steps: [{ rate, durationS: this.#plan.steps[0]?.durationS ?? 1 }] };
  }

  #judge(step: StepReport): Pick<JudgedTry, 'outcome' | 'reasons'> {
    const judged = { tunnel: step.arms.tunnel, added: step.addedMs, generator: step.generator };
    const failed = this.#options.thresholds.filter((each) => violation(each, judged) !== null);
    const { outcome, reasons } = judgeStep(this.#tries, step);
    if (failed.length === 0) return { outcome, reasons };
    const expressions = failed.map(({ expression }) => expression);
    return { outcome: outcome === 'unfit' ? 'unfit' : 'refused', reasons: [...expressions, ...reasons] };
  }

  /**
   * A pause, then a second of few requests, until they are answered as before the first try: what one try has left
   * behind must not be charged to the next.
   */
  async #settle(): Promise<boolean> {
    const { engine, pauseS, signal } = this.#options;
    const rate = Math.min(SETTLE_RATE, this.#plan.steps[0]?.rate ?? SETTLE_RATE);
    const durationS = Math.min(SETTLE_S, (this.#plan.steps[0]?.durationS ?? SETTLE_S) / 2);
    const plan = { ...this.#plan, warmUpS: 0, steps: [{ rate, durationS }] };
    for (let check = 0; check < MAX_SETTLE_CHECKS; check++) {
      await pause(pauseS, signal);
      const arm = (await measureOne(engine, plan, signal))?.arms.tunnel;
      if (signal?.aborted === true) {
        this.#stopped = { reason: 'interrupted', code: 'SP_LOAD_INTERRUPTED', message: 'interrupted' };
        return false;
      }
      // The first check has nothing to be held against; a target that nobody answers at is told by the try's warm-up.
      if (this.#calm === null || (arm !== undefined && isSettled(arm, this.#calm))) {
        this.#calm ??= arm ?? null;
        return true;
      }
    }
    const after = rateText(this.#tries.at(-1)?.rate ?? 0);
    this.#trouble = `the target did not recover from ${after}/s within ${rateText(MAX_SETTLE_CHECKS * (pauseS + durationS))} s`;
    return false;
  }
}

function isSettled(arm: ArmReport, calm: ArmReport): boolean {
  const limitMs = Math.max(SETTLED_FACTOR * calm.latencyMs.p50, calm.latencyMs.p50 + SETTLED_FLOOR_MS);
  return arm.latencyMs.p50 <= limitMs && failedShare(arm) <= failedShare(calm) + SETTLED_FAILED_SHARE;
}

function failedShare({ failed, requests }: ArmReport): number {
  return requests === 0 ? 1 : failed / requests;
}

/** Ends early, and without a word, where the run is interrupted. */
async function pause(lengthS: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(lengthS * 1000, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
