import { signedMs, ms } from '../report/format.ts';
import type { Verdict } from '../report/model.ts';
import type { GateControl, GateRow, GateSection, Interval, Outcome } from '../report/sections.ts';
import { shareOf } from './paired.ts';
import type { Failures } from './paired.ts';

/** How sure a whole interval on one side of a margin makes. */
const DECIDED = 0.95;

/** `failing`: the candidate alone does not answer; `unclear`: too few answers on either side to judge by. */
export type Answers = 'sound' | 'failing' | 'unclear';

export type GateFacts = {
  outcome: Outcome;
  rows: readonly GateRow[];
  control: readonly GateControl[];
  failures: { candidate: Failures; baseline: Failures };
  answers: Answers;
  /** Signs against the generator, one for each window it spoilt, where they are too many. */
  unfit: readonly string[];
  /** In all. */
  windows: number;
};

/** The gate's outcome and its reason in plain words, one sentence; failures are named in each, where there are any. */
export function gateSentence(facts: GateFacts): string {
  const { outcome, rows, failures, answers } = facts;
  const isAny = failures.candidate.failed + failures.baseline.failed > 0;
  const failed = isAny && answers === 'sound' ? `; ${failuresText(failures)}` : '';
  if (outcome === 'pass') return `Pass: ${rows.map((row) => figure(row, 'under')).join('; ')}${failed}.`;
  if (outcome === 'inconclusive') return `No verdict: ${whyNot(facts)}${failed}.`;
  if (answers === 'failing') return `Fail: ${failuresText(failures)}.`;
  const over = rows.filter((row) => row.outcome === 'fail');
  return `Fail: ${over.map((row) => figure(row, 'over')).join('; ')}${failed}.`;
}

function failuresText({ candidate, baseline }: GateFacts['failures']): string {
  return `${percent(candidate)} of the candidate’s requests failed, and ${percent(baseline)} of the baseline’s`;
}

function whyNot({ rows, control, failures, answers, unfit, windows }: GateFacts): string {
  if (unfit.length > 0) return `the generator was not fit in ${unfit.length} of ${windows} windows (${unfit[0]})`;
  if (answers === 'unclear') return `${failuresText(failures)}: what is left is not enough to compare`;
  if (rows.some(({ ci95 }) => ci95 === null)) return 'too few whole windows were measured for an interval';
  const unlike = control.filter(({ isFit }) => !isFit);
  if (unlike.length > 0) {
    const itself = unlike.map(({ metric, differenceMs }) => `${signedMs(differenceMs)} ms at ${metric}`).join(' and ');
    const [isDirect, whose] = unlike.some(({ of }) => of === 'direct')
      ? [true, 'the direct path then and now']
      : [false, 'the same tunnel against itself'];
    const so = isDirect ? 'this machine is not as it was' : 'this machine was not fit to tell';
    return `${whose} differed by ${itself}, more than half the margin: ${so}`;
  }
  const open = rows.filter(({ outcome }) => outcome === 'inconclusive');
  return open.map((row) => figure(row, 'which holds')).join('; ');
}

function figure({ metric, differenceMs, ci95, marginMs }: GateRow, place: string): string {
  return `${metric} is ${signedMs(differenceMs)} ms against the baseline (95 %: ${intervalText(ci95)}), ${place} the margin of ${ms(marginMs)} ms`;
}

function percent(failures: Failures): string {
  const value = 100 * shareOf(failures);
  if (value > 0 && value < 0.1) return `${value.toFixed(3)} %`;
  return `${value.toFixed(value > 0 && value < 5 ? 1 : 0)} %`;
}

function intervalText(ci95: Interval | null): string {
  return ci95 === null ? 'no interval' : `${signedMs(ci95[0])} to ${signedMs(ci95[1])}`;
}

/** The gate in the terms of a verdict: what failed is the candidate, which is a tunnel. */
export function gateVerdict({ outcome, sentence, rows, control }: GateSection): Verdict {
  const faults = { pass: 'none', fail: 'tunnel', inconclusive: 'inconclusive' } as const;
  const evidence = [
    ...rows.map(
      ({ metric, differenceMs, ci95, marginMs, baselineMs }) =>
        `${metric}: ${signedMs(differenceMs)} ms (95 %: ${intervalText(ci95)}) on ${ms(baselineMs)} ms, margin ${ms(marginMs)} ms`,
    ),
    ...(control ?? []).map(
      ({ metric, differenceMs, ci95, isFit, of }) =>
        `${of === 'direct' ? 'the direct path then and now' : 'the same tunnel against itself'}, ${metric}: ${signedMs(differenceMs)} ms (95 %: ${intervalText(ci95)}), ${isFit ? 'fit' : 'not fit'}`,
    ),
  ];
  const confidence = outcome === 'inconclusive' ? 0 : DECIDED;
  return { fault: faults[outcome], hop: null, at: null, kneeRate: null, confidence, evidence, sentence };
}
