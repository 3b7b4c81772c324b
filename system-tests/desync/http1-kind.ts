/** Cases of HTTP/1.1. */
import type { Case } from './case.ts';
import { CaseRun } from './case-run.ts';
import { drawCase } from './draw-case.ts';
import type { Kind } from './run-kind.ts';
import { smallerCases } from './shrink.ts';

export const HTTP1: Kind<Case> = {
  draw: drawCase,
  begin: (spec, address) => new CaseRun(spec, address),
  smallerThan: smallerCases,
  show: ({ parts, tears, answers, tricks, leaves }) =>
    [
      `drawn with: ${tricks.join(', ') || 'nothing wrong'}`,
      `the visitor sends ${shown(parts)}, torn at ${shown(tears)}${leaves === 'not' ? '' : `, then ${leaves}`}`,
      `the backend says ${shown(answers)}`,
    ].join('\n'),
};

const SHOWN_CHARACTERS = 300;

/** Long texts cut short. */
export function shown(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each !== 'string' || each.length <= SHOWN_CHARACTERS) return each;
    return `${each.slice(0, SHOWN_CHARACTERS)}… (${each.length})`;
  });
}
