import { X509Certificate } from 'node:crypto';
import type { PartMetrics } from './part-metrics.ts';

const MS_PER_S = 1000;

/** The text of a file (PEM), or why there is none. */
type ReadCertificate = () =>
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: string };

/**
 * Shows when the certificate that `read` finds expires, as `name`. Read at each scrape: files are replaced, and nobody
 * tells. One that cannot be read is left out and counted in `sallyport_scrape_errors_total`.
 */
export function showCertificateExpiry(metrics: Pick<PartMetrics, 'gauge'>, name: string, read: ReadCertificate): void {
  const expiryS = (): number => {
    const file = read();
    if (!file.ok) throw new Error(file.why);
    return new X509Certificate(file.text).validToDate.getTime() / MS_PER_S;
  };
  metrics.gauge('sallyport_certificate_expiry_timestamp_seconds', { name }, expiryS);
}
