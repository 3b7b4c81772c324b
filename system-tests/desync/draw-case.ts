/** Draws a case from a seed. */
import { Random } from '../../packages/protocol/src/testing/random.ts';
import type { Case } from './case.ts';
import { drawAnswer, drawBrokenAnswer, drawTears } from './draw-answer.ts';
import type { Draft } from './draw-request.ts';
import { drawRequest, partsOf } from './draw-request.ts';
import { hurt } from './hurt.ts';
import { REQUEST_TRICKS } from './request-tricks.ts';

const LEAVES = ['not', 'not', 'not', 'not', 'not', 'not', 'not', 'not', 'fin', 'reset'] as const;
/** Of a case in which the answers are at fault: the requests are all right. */
const BROKEN_ANSWERS = 0.3;

export function drawCase(seed: number): Case {
  const random = new Random(seed);
  const tricks: string[] = [];
  const isAboutAnswers = random.chance(BROKEN_ANSWERS);
  const count = random.chance(0.05) ? 5 + random.int(15) : 1 + random.int(4);
  const drafts = Array.from({ length: count }, (_, place) => drawRequest(random, place));
  if (isAboutAnswers) drafts.filter(() => random.chance(0.1)).forEach(makeOld);
  if (!isAboutAnswers) {
    for (let left = random.pick([0, 1, 1, 1, 2, 3]); left > 0; left -= 1) {
      const name = random.pick(Object.keys(REQUEST_TRICKS));
      REQUEST_TRICKS[name]!(random.pick(drafts), random);
      tricks.push(name);
    }
  }
  let parts = drafts.flatMap(partsOf);
  if (!isAboutAnswers && random.chance(0.15)) parts = hurt(random, parts, tricks);
  const answers = Array.from({ length: count }, () =>
    isAboutAnswers && random.chance(0.6) ? drawBrokenAnswer(random, tricks) : drawAnswer(random),
  );
  const tears = drawTears(random, parts.join('').length);
  const leaves = random.pick(LEAVES);
  return { parts, tears, tricks, answers, leaves, piecesBeforeReset: 1 + random.int(tears.length + 1) };
}

/** HTTP/1.0, if it can be: without chunks. */
function makeOld(draft: Draft): void {
  if (!draft.lines.some((line) => /^transfer-encoding/i.test(line))) draft.version = 'HTTP/1.0';
}
