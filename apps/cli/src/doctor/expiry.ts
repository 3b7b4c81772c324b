/** How long a certificate is good for still: in the alerts' words, and as bad as they think it. Pure. */
import type { Status } from './finding.ts';

const DAY_MS = 86_400_000;
/** Below this the alert pages (deploy/prometheus/alerts.rules.yml). */
const FAIL_BELOW_DAYS = 7;
/** Of a file, or of what a handshake shows: whoever renews by hand has time still. */
export const WARN_BELOW_DAYS = 14;

export interface Expiry {
  readonly status: Status;
  readonly hasExpired: boolean;
  /** `2.0 days`, as the alert counts them. */
  readonly left: string;
  /** The page for it, where there is something to do. */
  readonly page: string;
}

/** Both by the wall clock. `warnBelowDays`: from when on one that is renewed by itself should have been. */
export function expiryOf(notAfterMs: number, nowMs: number, warnBelowDays: number): Expiry {
  const days = (notAfterMs - nowMs) / DAY_MS;
  const hasExpired = days <= 0;
  const status = days < FAIL_BELOW_DAYS ? 'fail' : days < warnBelowDays ? 'warn' : 'ok';
  const page = hasExpired ? 'SallyportCertificateExpired' : 'SallyportCertificateExpiring';
  return { status, hasExpired, left: `${days.toFixed(1)} days`, page };
}
