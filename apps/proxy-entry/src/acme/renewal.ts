/** When a certificate is asked for, under which name it is kept, and how long a failure is waited out. Pure. */
import type { Pair } from '../tls/pair.ts';

const DAY_MS = 86_400_000;
const LIFE_SHARE = 3;
/** Let's Encrypt takes five failures for a name in an hour; this makes four. */
const BACKOFF = { minMs: 300_000, maxMs: 12 * 3_600_000 };

/** `*.example.org` → `acme-_.example.org` */
export function stemFor(name: string): string {
  return `acme-${name.replace('*', '_')}`;
}

/** `pair`: what there is for this name; null: none that can be used. */
export function isDue(pair: Pair | null, name: string, renewBeforeDays: number, nowMs: number): boolean {
  if (pair === null || !isFor(pair, name)) return true;
  const lifeMs = pair.notAfterMs - pair.notBeforeMs;
  return pair.notAfterMs - nowMs <= Math.min(renewBeforeDays * DAY_MS, lifeMs / LIFE_SHARE);
}

function isFor({ names }: Pair, name: string): boolean {
  return name.startsWith('*.') ? names.wildcards.has(name.slice(2)) : names.exact.has(name);
}

/** After so many failures in a row: twice as long each time, and somewhere in its upper half. */
export function backoffMs(failures: number, random: number): number {
  const { minMs, maxMs } = BACKOFF;
  const wholeMs = Math.min(maxMs, minMs * 2 ** Math.min(failures - 1, 30));
  return (wholeMs * (1 + random)) / 2;
}

const RETRY_AFTER_MAX_MS = 7 * DAY_MS;

/** Of a `Retry-After` (RFC 9110 §10.2.3): seconds, or a date; 0 for none that can be understood. */
export function retryAfterMs(field: string | undefined, nowMs: number): number {
  if (field === undefined) return 0;
  const waitMs = /^\d{1,9}$/.test(field.trim()) ? Number(field) * 1_000 : Date.parse(field) - nowMs;
  return Number.isFinite(waitMs) ? Math.min(RETRY_AFTER_MAX_MS, Math.max(0, waitMs)) : 0;
}
