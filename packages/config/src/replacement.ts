/** Whether a certificate that was read anew may take the place of the one in force. */

/** Wall clock. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What cannot be taken over. */
export interface Unfit {
  readonly why: string;
  /** Wall clock: from then on the same files are to be judged again; Infinity where only other files help. */
  readonly againAtMs: number;
}

/**
 * Null: it may. A good one is not given up for one that is not, or not yet: somebody has mixed them up, or is early.
 * `why` follows the name of a certificate.
 */
export function judgeReplacement(next: Validity, inForce: Validity, nowMs: number): Unfit | null {
  if (next.notAfterMs <= nowMs && inForce.notAfterMs > nowMs) {
    const why = `its certificate expired at ${new Date(next.notAfterMs).toISOString()}, that in force has not`;
    return { why, againAtMs: Infinity };
  }
  if (next.notBeforeMs > nowMs && inForce.notBeforeMs <= nowMs && inForce.notAfterMs > nowMs) {
    const from = new Date(next.notBeforeMs).toISOString();
    const why = `its certificate is good from ${from} only, that in force is good now`;
    return { why, againAtMs: next.notBeforeMs };
  }
  return null;
}
