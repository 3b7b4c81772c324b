/** TLS of the port for links: files that can be used, and for how long still. */
import { inspectLinkTls } from '@sallyport/tunnel-server';
import { partsOf } from './context.ts';
import type { DoctorContext } from './context.ts';
import { checkMode } from './credential-file.ts';
import { expiryOf } from './expiry.ts';
import { fail, filesOf, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

const CHECK = 'tls';
const RENEW = 'renew it: the server takes the new one over by itself';

export async function checkLinkTls({ settings, nowMs }: DoctorContext): Promise<Finding[]> {
  if (settings === null || !partsOf(settings).has('server')) return [];
  const { tls } = settings.config.server;
  const read = await inspectLinkTls(tls);
  if (read === null) return [];
  if (typeof read === 'string') {
    return [fail(CHECK, `links: ${read}`, 'put that file right, or leave server.tls out', 'SP_LINK_TLS')];
  }
  const { status, hasExpired, left, page } = expiryOf(read, nowMs());
  const mode = await checkMode(CHECK, tls.keyFile ?? '');
  if (status === 'ok') return [ok(CHECK, `links: a certificate for ${left} more`), ...mode];
  const files = filesOf(tls.certificateFile ?? '', tls.keyFile ?? '');
  const message = `links: the certificate ${hasExpired ? 'has expired' : `expires in ${left}`}: ${files}`;
  return [(status === 'fail' ? fail : warn)(CHECK, message, RENEW, page), ...mode];
}
