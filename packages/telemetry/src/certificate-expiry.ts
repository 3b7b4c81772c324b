import { X509Certificate } from 'node:crypto';
import type { PartMetrics } from './part-metrics.ts';

const MS_PER_S = 1000;

/** From when until when a certificate is good; wall clock. */
export interface CertificateDates {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** The text of a file (PEM), or why there is none. */
type ReadCertificate = () =>
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: string };

/** Shows when a certificate expires, and how long it is good in all, as `name`. The answer takes both away again. */
export function showCertificate(
  metrics: Pick<PartMetrics, 'gauge'>,
  name: string,
  read: () => CertificateDates,
): () => void {
  const removers = [
    metrics.gauge('sallyport_certificate_expiry_timestamp_seconds', { name }, () => read().notAfterMs / MS_PER_S),
    metrics.gauge('sallyport_certificate_lifetime_seconds', { name }, () => lifeMs(read()) / MS_PER_S),
  ];
  return () => removers.forEach((remove) => remove());
}

/**
 * The same of the certificate that `read` finds. Read at each scrape: files are replaced, and nobody tells. One that
 * cannot be read is left out and counted in `sallyport_scrape_errors_total`.
 */
export function showCertificateFile(metrics: Pick<PartMetrics, 'gauge'>, name: string, read: ReadCertificate): void {
  showCertificate(metrics, name, () => {
    const file = read();
    if (!file.ok) throw new Error(file.why);
    const { validFromDate, validToDate } = new X509Certificate(file.text);
    return { notBeforeMs: validFromDate.getTime(), notAfterMs: validToDate.getTime() };
  });
}

function lifeMs({ notBeforeMs, notAfterMs }: CertificateDates): number {
  return notAfterMs - notBeforeMs;
}
