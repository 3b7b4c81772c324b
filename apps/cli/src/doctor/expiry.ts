/** How long a certificate is good for still: in the alerts' words, and as bad as they think it. Pure. */
import type { CertificateDates } from '@sallyport/telemetry';
import type { Status } from './finding.ts';

const DAY_MS = 86_400_000;

interface Threshold {
  readonly days: number;
  /** Where that is less, as of one that is good for six days in all. */
  readonly lifeShare: number;
}

/**
 * As the alerts have them (deploy/prometheus/alerts.rules.yml): the ticket, and the page. By ACME it is renewed with a
 * third of its life left, or 30 days, before either.
 */
const WARN_BELOW: Threshold = { days: 14, lifeShare: 1 / 4 };
const FAIL_BELOW: Threshold = { days: 7, lifeShare: 1 / 6 };

export interface Expiry {
  readonly status: Status;
  readonly hasExpired: boolean;
  /** As `leftUntil` says it. */
  readonly left: string;
  /** The page for it, where there is something to do. */
  readonly page: string;
}

/** All by the wall clock. */
export function expiryOf({ notBeforeMs, notAfterMs }: CertificateDates, nowMs: number): Expiry {
  const leftMs = notAfterMs - nowMs;
  const isBelow = ({ days, lifeShare }: Threshold) =>
    leftMs < Math.min(days * DAY_MS, lifeShare * (notAfterMs - notBeforeMs));
  const hasExpired = leftMs <= 0;
  const status = hasExpired || isBelow(FAIL_BELOW) ? 'fail' : isBelow(WARN_BELOW) ? 'warn' : 'ok';
  const page = hasExpired ? 'SallyportCertificateExpired' : 'SallyportCertificateExpiring';
  return { status, hasExpired, left: leftUntil(notAfterMs, nowMs), page };
}

/** `2.0 days`, as the alert counts them. */
export function leftUntil(notAfterMs: number, nowMs: number): string {
  return `${((notAfterMs - nowMs) / DAY_MS).toFixed(1)} days`;
}
