/** The field `traceparent` (W3C Trace Context, level 1, §3.2). Pure. */

export interface TraceParent {
  /** 32 digits; those of a span are 16. Lower-case hexadecimal, not all zero. */
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

/** Later versions may say more behind the flags (§3.2.4); a comma is never in it: that joins two fields. */
const FORM = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-[^,]*)?$/;
const SAMPLED = 1;

/** Null where it is none; `value` of several such fields is all of them. */
export function parseTraceParent(value: string): TraceParent | null {
  const [, version, traceId, spanId, flags, rest] = FORM.exec(value) ?? [];
  if (traceId === undefined || spanId === undefined) return null;
  if (version === '00' && rest !== undefined) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags!, 16) & SAMPLED) !== 0 };
}

/** Of what a request says, if it says any such thing; else empty. */
export function traceIdOf(value: string | null): string {
  return value === null ? '' : (parseTraceParent(value)?.traceId ?? '');
}

/** The one version there is, 00, with no flag but the sampled one. */
export function formatTraceParent(traceId: string, spanId: string, isSampled: boolean): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}
