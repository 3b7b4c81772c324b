/** Makes a failing case small: leaves pieces out as long as it fails. */
import { MARK } from './case.ts';
import type { Answer, Case } from './case.ts';

/** What fails one time in two is not to be lost. */
const TRIES = 2;

/** `smallerThan`: what to try; `fails` plays it. Within `forMs`. */
export async function shrink<Spec>(
  spec: Spec,
  smallerThan: (spec: Spec) => Iterable<Spec>,
  fails: (spec: Spec) => Promise<boolean>,
  forMs: number,
): Promise<Spec> {
  const endMs = performance.now() + forMs;
  const failsInTries = async (smaller: Spec): Promise<boolean> => {
    for (let i = 0; i < TRIES && performance.now() < endMs; i += 1) if (await fails(smaller)) return true;
    return false;
  };
  let best = spec;
  for (let next: Spec | undefined = spec; next !== undefined;) {
    best = next;
    next = undefined;
    for (const candidate of smallerThan(best)) {
      if (performance.now() >= endMs) break;
      if (!(await failsInTries(candidate))) continue;
      next = candidate;
      break;
    }
  }
  return best;
}

const PLAIN: Answer = {
  parts: ['HTTP/1.1 200 OK\r\n', `X-Mark: ${MARK}\r\n`, 'Content-Length: 2\r\n', '\r\n', 'ok'],
  tears: [],
  end: 'keep',
  isExact: true,
  isEarly: false,
};

/** The boldest first. */
export function* smallerCases(spec: Case): Generator<Case> {
  const { parts, answers } = spec;
  if (spec.tears.length > 0) {
    yield { ...spec, tears: [] };
    for (const each of spec.tears) if (spec.tears.length > 1) yield { ...spec, tears: [each] };
  }
  if (spec.leaves !== 'not') yield { ...spec, leaves: 'not' };
  if (answers.some((answer) => answer !== PLAIN)) yield { ...spec, answers: [PLAIN] };
  for (const [i, answer] of answers.entries()) {
    if (answer !== PLAIN && answers.length > 1) yield { ...spec, answers: answers.with(i, PLAIN) };
    if (answer.tears.length > 0) yield { ...spec, answers: answers.with(i, { ...answer, tears: [] }) };
    if (answer.isEarly) yield { ...spec, answers: answers.with(i, { ...answer, isEarly: false }) };
    if (answer === PLAIN) continue;
    for (const smaller of without(answer.parts))
      yield { ...spec, answers: answers.with(i, { ...answer, parts: smaller }) };
  }
  for (const smaller of without(parts)) yield { ...spec, parts: smaller };
}

/** Halves, then single parts, then halves of long parts. */
export function* without(parts: readonly string[]): Generator<string[]> {
  for (let size = Math.ceil(parts.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at + size <= parts.length; at += Math.ceil(size / 4)) {
      if (size < parts.length) yield parts.toSpliced(at, size);
    }
  }
  for (const [i, part] of parts.entries()) {
    if (part.length > 60) yield parts.with(i, part.slice(0, part.length / 2));
  }
}
