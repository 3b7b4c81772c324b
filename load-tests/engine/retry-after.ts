const MS_PER_S = 1000;

/**
 * The wait a `Retry-After` asks for, in seconds (RFC 9110 §10.2.3: a number of seconds, or a date); 0 when there is
 * none or it is of another form.
 * @param nowMs wall clock, for dates
 */
export function retryAfterS(field: string | string[] | undefined, nowMs: number): number {
  if (typeof field !== 'string') return 0;
  if (/^\d{1,9}$/.test(field)) return Number(field);
  const untilMs = Date.parse(field);
  return Number.isNaN(untilMs) ? 0 : Math.max(0, (untilMs - nowMs) / MS_PER_S);
}
