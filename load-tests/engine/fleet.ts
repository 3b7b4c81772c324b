import { monotonicMs } from './clock.ts';
import { GeneratorProcess } from './generator-process.ts';
import { SecondsMerge, mergeMeasurements } from './merge.ts';
import type { StepMessage } from './messages.ts';
import type { EngineEnd, EngineEvents, EnginePlan, Progress, StepMeasurement } from './plan.ts';
import { generatorsFor, sharePlan } from './shares.ts';

/** Between the decision to start a step and its first arrival: time for the word to reach every generator. */
const LEAD_MS = 40;

/** A generator that is so many seconds behind the others is taken for dead: waiting for it would fill the memory. */
export const MAX_BEHIND_S = 120;

/** A process and what it has said of the step under way that is not merged yet. */
type Member = {
  process: GeneratorProcess;
  isGone: boolean;
  isReady: boolean;
  /** Seconds not yet reported by all; at most `MAX_BEHIND_S`. */
  seconds: Progress[];
  /** The last of its seconds that was merged. */
  latest: Progress | null;
  part: StepMeasurement | null;
};

/**
 * The generators of one run. They begin each step at the same time, and their seconds and steps are merged, so that
 * nobody behind this sees more than one. When one of them dies the others are stopped, and what they have is kept.
 */
export class Fleet {
  readonly #events: EngineEvents;
  readonly #members: Member[];
  readonly #maxBehindS: number;
  #merge = new SecondsMerge();
  #error: string | null = null;
  #isWarmUp = false;

  constructor(plan: EnginePlan, events: EngineEvents, maxBehindS = MAX_BEHIND_S) {
    this.#events = events;
    this.#maxBehindS = maxBehindS;
    this.#members = sharePlan(plan, generatorsFor(plan)).map((share) => {
      const member: Member = {
        process: new GeneratorProcess(share, (message) => this.#heard(member, message)),
        isGone: false,
        isReady: false,
        seconds: [],
        latest: null,
        part: null,
      };
      return member;
    });
  }

  async run(): Promise<EngineEnd> {
    await Promise.all(
      this.#members.map(async (member) => {
        const error = await member.process.ended;
        member.isGone = true;
        if (error !== null) this.#broke(error);
      }),
    );
    this.#settle();
    return { error: this.#error === null ? null : { code: 'SP_LOAD_ENGINE', message: this.#error }, totals: null };
  }

  stop(): void {
    for (const { process, isGone } of this.#members) if (!isGone) process.stop();
  }

  #broke(error: string): void {
    this.#error ??= error;
    this.stop();
  }

  #heard(member: Member, message: StepMessage): void {
    if (message.type === 'ready') member.isReady = true;
    else if (message.type === 'progress') member.seconds.push(message.progress);
    else {
      this.#isWarmUp = message.type === 'warm-up';
      member.part = message.measurement;
    }
    this.#settle();
    if (member.seconds.length > this.#maxBehindS) this.#leaveBehind();
  }

  /** Ends the run for those that say nothing: they are killed where they do not heed. */
  #leaveBehind(): void {
    const silent = this.#members.filter(
      ({ isGone, seconds, part }) => !isGone && seconds.length === 0 && part === null,
    );
    for (const member of silent) {
      member.process.stop();
      member.isGone = true;
    }
    this.#broke(`${silent.length} of ${this.#members.length} generators said nothing for ${this.#maxBehindS} s`);
    this.#settle();
  }

  /** Passes on whatever all have said that are still there. */
  #settle(): void {
    while (this.#haveAll((member) => member.seconds.length > 0 || member.part !== null) && this.#mergeSecond());
    if (this.#haveAll((member) => member.part !== null)) this.#mergeStep();
    if (this.#haveAll((member) => member.isReady)) this.#begin();
  }

  #haveAll(has: (member: Member) => boolean): boolean {
    return this.#members.every((member) => member.isGone || has(member));
  }

  /** False when there was none. */
  #mergeSecond(): boolean {
    const [first, ...others] = this.#members.flatMap((member) => {
      const [second] = member.seconds.splice(0, 1);
      member.latest = second ?? member.latest;
      return second ?? [];
    });
    if (first === undefined) return false;
    const latest = this.#members.flatMap((member) => member.latest ?? []);
    this.#events.onProgress(this.#members.length === 1 ? first : this.#merge.merge([first, ...others], latest));
    return true;
  }

  #mergeStep(): void {
    const [first, ...others] = this.#members.flatMap(({ part }) => (part === null ? [] : [part]));
    if (first === undefined) return;
    const merged = mergeMeasurements([first, ...others], this.#merge.seconds);
    for (const member of this.#members) Object.assign(member, { part: null, latest: null });
    this.#merge = new SecondsMerge();
    if (this.#isWarmUp) this.#events.onWarmUp(merged);
    else this.#events.onStep(merged);
  }

  #begin(): void {
    for (const member of this.#members) member.isReady = false;
    const startMs = monotonicMs() + LEAD_MS;
    for (const { process, isGone } of this.#members) if (!isGone) process.send({ type: 'begin', startMs });
  }
}
