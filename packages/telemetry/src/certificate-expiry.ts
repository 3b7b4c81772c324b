import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { PartMetrics } from './part-metrics.ts';

const MS_PER_S = 1000;

/**
 * Shows when the certificate (PEM) in `path` expires, as `name`. Read at each scrape: files are replaced, and nobody
 * tells. One that cannot be read is left out and counted in `sallyport_scrape_errors_total`.
 */
export function showCertificateExpiry(metrics: Pick<PartMetrics, 'gauge'>, name: string, path: string): void {
  const read = (): number => new X509Certificate(readFileSync(path)).validToDate.getTime() / MS_PER_S;
  metrics.gauge('sallyport_certificate_expiry_timestamp_seconds', { name }, read);
}
