/** TLS of the port for links: files that can be used, and for how long still. */
import { inspectLinkTls } from '@sallyport/tunnel-server';
import { partsOf } from './context.ts';
import type { DoctorContext } from './context.ts';
import { checkMode } from './credential-file.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

const CHECK = 'tls';
const DAY_MS = 86_400_000;
const WARN_BELOW_DAYS = 14;
const RENEW = 'renew it: the server takes the new one over by itself';

export async function checkLinkTls({ settings, nowMs }: DoctorContext): Promise<Finding[]> {
  if (settings === null || !partsOf(settings).has('server')) return [];
  const { tls } = settings.config.server;
  const read = await inspectLinkTls(tls);
  if (read === null) return [];
  if (typeof read === 'string') {
    return [fail(CHECK, `links: ${read}`, 'put that file right, or leave server.tls out', 'SP_LINK_TLS')];
  }
  const days = Math.floor((read - nowMs()) / DAY_MS);
  const mode = await checkMode(CHECK, tls.keyFile ?? '');
  if (days < 0) {
    return [fail(CHECK, 'links: the certificate has expired', RENEW, 'SallyportCertificateExpired'), ...mode];
  }
  if (days < WARN_BELOW_DAYS) {
    const message = `links: the certificate expires in ${days} days`;
    return [warn(CHECK, message, RENEW, 'SallyportCertificateExpiring'), ...mode];
  }
  return [ok(CHECK, `links: a certificate for ${days} more days`), ...mode];
}
