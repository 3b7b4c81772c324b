/** What becomes of an answer's fields on their way to the visitor: named passes, in this order. */
import { FieldKind, lowerName } from '@sallyport/protocol';
import { dropNominated, keep, keepUpgrade, passOn } from './head.ts';
import type { SignedHead } from './head.ts';
import { writeVia } from './via.ts';

export interface AnswerHead extends SignedHead {
  /** Of ours; null: none is wanted. */
  readonly timing: string | null;
  /** Of Strict-Transport-Security; null: the backend's own passes on. */
  readonly strictTransport: string | null;
}

export interface AnswerPass {
  readonly name: string;
  readonly apply: (head: AnswerHead) => void;
}

export const ANSWER_PASSES: readonly AnswerPass[] = [
  { name: 'pass-on', apply: passOn },
  { name: 'nominated', apply: dropNominated },
  { name: 'upgrade', apply: keepUpgrade },
  // HTTP/1.1 is what the tunnel speaks to the entry, whatever the backend does.
  { name: 'via', apply: (head) => writeVia(head, '1.1') },
  { name: 'request-id', apply: ({ requestId, out }) => out.push('X-Request-Id', requestId) },
  { name: 'server-timing', apply: writeTiming },
  { name: 'strict-transport-security', apply: writeStrictTransport },
];

const HELD = FieldKind.HOP | FieldKind.VIA | FieldKind.REQUEST_ID;
/** RFC 9110 §8.6: of these no content follows whose length it could be. */
const NO_LENGTH = FieldKind.CONTENT_LENGTH;
const NO_CONTENT = 204;

/** Bits of `FieldKind`, see `Head`. */
export function heldOfAnswer(status: number): number {
  return status === 101 || status === NO_CONTENT ? HELD | NO_LENGTH : HELD;
}

/** The same of a 1xx but 101. */
export const HELD_OF_INFORMATIONAL = FieldKind.HOP | NO_LENGTH;

/** Behind the backend's own, which passed on. */
function writeTiming({ timing, out }: AnswerHead): void {
  if (timing !== null) out.push('Server-Timing', timing);
}

/** One field, and the policy of the edge: a visitor would heed the first of several (RFC 6797 §8.1). */
function writeStrictTransport(head: AnswerHead): void {
  if (head.strictTransport === null) return;
  keep(head, (name) => lowerName(name) !== 'strict-transport-security');
  head.out.push('Strict-Transport-Security', head.strictTransport);
}
