/** Whether a certificate that was read anew may take the place of the one in force. */

/** Wall clock. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Why nobody believes it at `nowMs`, behind its name; null: its time is now. */
export function untimely({ notBeforeMs, notAfterMs }: Validity, nowMs: number): string | null {
  if (notAfterMs <= nowMs) return `expired at ${new Date(notAfterMs).toISOString()}`;
  return notBeforeMs > nowMs ? `is good from ${new Date(notBeforeMs).toISOString()} only` : null;
}

/** What cannot be taken over. */
export interface Unfit {
  readonly why: string;
  /** Wall clock: from then on the same files are to be judged again; Infinity where only other files help. */
  readonly againAtMs: number;
}

/** What was found of files. */
export interface Finding {
  /** Of the files, before they were read. */
  readonly fingerprint: string;
  /** Null: nothing. */
  readonly wrong: Unfit | null;
}

/** Whether it need not be looked for again, while the files have the fingerprint `now`. */
export function stillHolds({ fingerprint, wrong }: Finding, now: string, nowMs: number): boolean {
  return fingerprint === now && (wrong === null || nowMs < wrong.againAtMs);
}

/**
 * Null: it may. A good one is not given up for one that is not, or not yet: somebody has mixed them up, or is early.
 * `why` follows the name of a certificate.
 */
export function judgeReplacement(next: Validity, inForce: Validity, nowMs: number): Unfit | null {
  if (next.notAfterMs <= nowMs && inForce.notAfterMs > nowMs) {
    return { why: `its certificate ${untimely(next, nowMs)}, that in force has not`, againAtMs: Infinity };
  }
  if (next.notBeforeMs > nowMs && inForce.notBeforeMs <= nowMs && inForce.notAfterMs > nowMs) {
    const why = `its certificate ${untimely(next, nowMs)}, that in force is good now`;
    return { why, againAtMs: next.notBeforeMs };
  }
  return null;
}
