import { signedMs, ms } from '../report/format.ts';
import type { Verdict } from '../report/model.ts';
import type { GateRow, GateSection, Interval, Outcome } from '../report/sections.ts';

/** How sure a whole interval on one side of a margin makes. */
const DECIDED = 0.95;

/** `failing`: the candidate alone does not answer; `unclear`: too few answers on either side to judge by. */
export type Answers = 'sound' | 'failing' | 'unclear';

export type GateFacts = {
  outcome: Outcome;
  rows: readonly GateRow[];
  control: NonNullable<GateSection['control']>;
  failedShares: { candidate: number; baseline: number };
  answers: Answers;
};

/** The gate's outcome and its reason in plain words, one sentence. */
export function gateSentence(facts: GateFacts): string {
  const { outcome, rows, failedShares } = facts;
  if (outcome === 'pass') return `Pass: ${rows.map((row) => figure(row, 'under')).join('; ')}.`;
  if (outcome === 'inconclusive') return `No verdict: ${whyNot(facts)}.`;
  if (facts.answers === 'failing') return `Fail: ${failures(failedShares)}.`;
  const failed = rows.filter((row) => row.outcome === 'fail');
  return `Fail: ${failed.map((row) => figure(row, 'over')).join('; ')}.`;
}

function failures({ candidate, baseline }: GateFacts['failedShares']): string {
  return `${percent(candidate)} of the candidate’s requests failed, and ${percent(baseline)} of the baseline’s`;
}

function whyNot({ rows, control, failedShares, answers }: GateFacts): string {
  if (answers === 'unclear') return `${failures(failedShares)}: what is left is not enough to compare`;
  if (rows.some(({ ci95 }) => ci95 === null)) return 'too few whole windows were measured for an interval';
  const unfit = control.filter(({ isFit }) => !isFit);
  if (unfit.length > 0) {
    const itself = unfit.map(({ metric, differenceMs }) => `${signedMs(differenceMs)} ms at ${metric}`).join(' and ');
    return `the same tunnel against itself differed by ${itself}, more than half the margin: this machine was not fit to tell`;
  }
  const open = rows.filter(({ outcome }) => outcome === 'inconclusive');
  return open.map((row) => figure(row, 'which holds')).join('; ');
}

function figure({ metric, differenceMs, ci95, marginMs }: GateRow, place: string): string {
  return `${metric} is ${signedMs(differenceMs)} ms against the baseline (95 %: ${intervalText(ci95)}), ${place} the margin of ${ms(marginMs)} ms`;
}

function percent(share: number): string {
  const value = 100 * share;
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
      ({ metric, differenceMs, ci95, isFit }) =>
        `the same tunnel against itself, ${metric}: ${signedMs(differenceMs)} ms (95 %: ${intervalText(ci95)}), ${isFit ? 'fit' : 'not fit'}`,
    ),
  ];
  const confidence = outcome === 'inconclusive' ? 0 : DECIDED;
  return { fault: faults[outcome], hop: null, at: null, kneeRate: null, confidence, evidence, sentence };
}
