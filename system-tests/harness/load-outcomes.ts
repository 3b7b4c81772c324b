/** What a fault may do to requests, and what it may not. */
import type { Outcome } from './load.ts';

/**
 * Those that ended as none may when one of two clients is lost. Whole answers and visible cuts may be; an error of ours
 * only for what must not be sent twice, and then of this one kind.
 */
export function unsaved(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.filter(({ kind, end, code }) => {
    if (end === 'answer' || end === 'cut') return false;
    return !(end === 'problem' && kind.method === 'POST' && code === 'SP_LINK_LOST');
  });
}

/** How many of the outcomes ended how, for people. */
export function tally(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind, end, code } of outcomes) {
    const name = `${kind.method} ${kind.path}: ${end}${code === '' ? '' : ` ${code}`}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
