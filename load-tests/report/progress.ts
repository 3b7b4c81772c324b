import type { ArmReport, StepReport } from './model.ts';
import type { Progress } from '../engine/plan.ts';
import type { ProfileStep } from '../profiles/profile.ts';
import { ms, percent, plainRate, signedMs } from './format.ts';

/** What the steps of a plan are to people: rates one after the other, or windows of one rate. */
export type StepNoun = 'step' | 'window';

const LIFE_SIGN_S = 60;
const CLEAR_LINE = '\r\u001B[2K';

/**
 * What a person sees while it runs: on a terminal one line per step, rewritten every second; elsewhere one line when a
 * step is done, with the time that is left, and one each minute of a longer one.
 */
export class ProgressLine {
  readonly #steps: readonly ProfileStep[];
  readonly #isTty: boolean;
  readonly #write: (text: string) => void;
  readonly #noun: StepNoun;
  #done = 0;
  #saidS = 0;

  constructor(steps: readonly ProfileStep[], isTty: boolean, write: (text: string) => void, noun: StepNoun = 'step') {
    this.#noun = noun;
    this.#steps = steps;
    this.#isTty = isTty;
    this.#write = write;
  }

  say(line: string): void {
    this.#write(`${this.#isTty ? CLEAR_LINE : ''}${line}\n`);
  }

  progress({ stepIndex, elapsedS, arms }: Progress): void {
    const step = this.#steps[stepIndex];
    if (step === undefined || arms.tunnel === undefined) return;
    if (!this.#isTty && elapsedS < this.#saidS + LIFE_SIGN_S) return;
    this.#saidS = elapsedS;
    const leftS = Math.max(0, Math.ceil(this.#remainingS(stepIndex) - elapsedS));
    const place = `${this.#noun} ${stepIndex + 1} of ${this.#steps.length}`;
    const line = `${figures(step.rate, arms.tunnel)}  ${place}, ${leftS} s left`;
    if (this.#isTty) this.#write(`${CLEAR_LINE}${line}`);
    else this.say(line);
  }

  /** A step that begins, of an engine that has no figures before all is done. */
  due(stepIndex: number): void {
    const step = this.#steps[stepIndex];
    if (step === undefined) return;
    const place = `${this.#noun} ${stepIndex + 1} of ${this.#steps.length}`;
    const leftS = Math.ceil(this.#remainingS(stepIndex));
    const line = `${plainRate(step.rate).padStart(6)}/s  ${place}, about ${leftS} s left; figures come at the end`;
    if (this.#isTty) this.#write(`${CLEAR_LINE}${line}`);
    else this.say(line);
  }

  step({ rate, arms, addedMs, complete }: StepReport): void {
    const added = addedMs === null ? '' : `  added ${signedMs(addedMs.p50)} ms`;
    this.#done += 1;
    this.#saidS = 0;
    const place = this.#noun === 'step' ? '' : `  ${this.#noun} ${this.#done}/${this.#steps.length}`;
    const leftS = Math.ceil(this.#remainingS(this.#done));
    const left = this.#isTty || !complete || leftS === 0 ? '' : `  ${leftS} s left`;
    this.say(`${figures(rate, arms.tunnel)}${added}${place}${left}${complete ? '' : '  (stopped)'}`);
  }

  #remainingS(fromIndex: number): number {
    return this.#steps.slice(fromIndex).reduce((sum, { durationS }) => sum + durationS, 0);
  }
}

function figures(rate: number, arm: ArmReport): string {
  const { p50, p99 } = arm.latencyMs;
  const dropped = arm.dropped > 0 ? `  dropped ${arm.dropped}` : '';
  const head = `${plainRate(rate).padStart(6)}/s ${String(arm.requests).padStart(8)} requests`;
  return `${head}  ok ${percent(arm.ok, arm.requests).padStart(8)}  p50 ${ms(p50).padStart(5)}  p99 ${ms(p99).padStart(5)} ms${dropped}`;
}
