/**
 * One direction of a stream, as a closed set of phases (PROTOCOL.md, "A stream's life"):
 *
 *   request:             OPEN ──▶ BODY ──DATA*──▶ BODY ──END──▶ ENDED
 *   response:  WAITING ──HEAD──▶ BODY ──DATA*──▶ BODY ──END──▶ ENDED        (LAST on OPEN or HEAD: ENDED at once)
 *
 * ABORT and RESET end the whole stream from any phase and are not handled here.
 */
import { isInformational } from './heads.ts';
import { Kind } from './wire.ts';

export const Phase = { WAITING: 0, BODY: 1, ENDED: 2 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** The phase after a frame that is not HEAD, or null where the frame is out of place. */
export function phaseAfter(phase: Phase, kind: number): Phase | null {
  if (phase !== Phase.BODY) return null;
  if (kind === Kind.DATA) return Phase.BODY;
  return kind === Kind.END ? Phase.ENDED : null;
}

/** The phase after a HEAD with `status`, or null where it is out of place. A 1xx is never LAST. */
export function phaseAfterHead(phase: Phase, status: number, last: boolean): Phase | null {
  if (phase !== Phase.WAITING) return null;
  if (isInformational(status)) return last ? null : Phase.WAITING;
  return last ? Phase.ENDED : Phase.BODY;
}
