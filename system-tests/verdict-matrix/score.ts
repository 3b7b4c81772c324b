/** Whether a verdict is right, and the count of all. */
import type { Fault, HopName } from '@sallyport/load-tests';
import type { Case } from './case.ts';

const MIN_RIGHT_SHARE = 0.95;

interface Said {
  readonly verdict: { fault: Fault; hop: HopName | null; at: number | null; sentence: string; evidence: string[] };
}
/** What came of a case: a verdict with its figures, nothing because it could not be played here, or it broke. */
export type Played = Said | { readonly skipped: string } | { readonly broke: string };

export type Outcome = 'right' | 'wrong' | 'inconclusive' | 'skipped' | 'broken';
export interface Result {
  readonly name: string;
  readonly outcome: Outcome;
  readonly expected: string;
  readonly said: string;
  readonly played: Played;
}

export function judged({ name, expects }: Case, played: Played): Result {
  const hops = expects.hops === undefined ? '' : ` (${expects.hops.map((hop) => hop ?? 'no hop').join(', ')})`;
  const common = { name, expected: `${expects.fault}${hops}`, played };
  if ('skipped' in played) return { ...common, outcome: 'skipped', said: played.skipped };
  if ('broke' in played) return { ...common, outcome: 'broken', said: played.broke };
  const { fault, hop, at } = played.verdict;
  const said = `${fault}${hop === null ? '' : ` ${hop}`}${at === null ? '' : ` at ${at}/s`}`;
  const isRight = fault === expects.fault && (expects.hops === undefined || expects.hops.includes(hop));
  if (isRight) return { ...common, outcome: 'right', said };
  return { ...common, outcome: fault === 'inconclusive' ? 'inconclusive' : 'wrong', said };
}

/** The table and the counts. Good: at least 95 % right of those that were played, and no healthy run accused. */
export function summary(results: readonly Result[]): { text: string; isGood: boolean } {
  const count = (outcome: Outcome): number => results.filter((each) => each.outcome === outcome).length;
  const played = results.filter(({ outcome }) => outcome !== 'skipped');
  const accused = played.filter(({ expected, outcome }) => expected === 'none' && outcome === 'wrong');
  const share = played.length === 0 ? 0 : count('right') / played.length;
  const width = Math.max(0, ...results.map(({ name }) => name.length));
  const rows = results.map(
    ({ name, outcome, expected, said }) =>
      `${name.padEnd(width)}  ${outcome.padEnd(12)}  ${outcome === 'right' ? said : `${said}; expected ${expected}`}`,
  );
  const counts = (['right', 'wrong', 'inconclusive', 'broken', 'skipped'] as const)
    .map((outcome) => `${count(outcome)} ${outcome}`)
    .join(', ');
  const text = `\n${rows.join('\n')}\n\n${counts}: ${(100 * share).toFixed(1)} % right, ${accused.length} healthy runs accused`;
  return { text, isGood: share >= MIN_RIGHT_SHARE && accused.length === 0 };
}
