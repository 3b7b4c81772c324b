/** How TLS is spoken, whatever the certificate. Pure. */
import type { SecureContextOptions } from 'node:tls';
import type { ClientAuthority } from './client-authority.ts';
import type { TlsConfig } from './material.ts';
import { TICKET_LIFETIME_S, ticketKeys } from './ticket-keys.ts';

/** Forward secrecy and authenticated encryption alone (RFC 9325 §4.2); what HTTP/2 forbids is not among them. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** The same for every entry: Node's own follows from the command line, and no session would be resumed elsewhere. */
const SESSION_ID_CONTEXT = 'sallyport-entry';

export interface TicketSecret {
  readonly secret: Buffer;
  readonly period: number;
}

export type CommonOptions = SecureContextOptions & { readonly ticketKeys: Buffer };

export function commonOptions(
  { minVersion, clientCertificates }: TlsConfig,
  { certificates, revocations, digest }: ClientAuthority,
  { secret, period }: TicketSecret,
): CommonOptions {
  return {
    ciphers: CIPHERS,
    minVersion: minVersion === '1.2' ? 'TLSv1.2' : 'TLSv1.3',
    // None is none: left out, the well-known authorities would be asked about visitors.
    ca: [...certificates],
    crl: [...revocations],
    sessionIdContext: SESSION_ID_CONTEXT,
    sessionTimeout: TICKET_LIFETIME_S,
    ticketKeys: ticketKeys(secret, period, `${clientCertificates} ${digest}`),
  };
}
