/** A server's certificate: for the right name, from somebody trusted, and for how long still. */
import type { TLSSocket } from 'node:tls';
import type { CertificateDates } from '@sallyport/telemetry';
import { expiryOf } from './expiry.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

export interface Certificate extends CertificateDates {
  /** Null, or why it is not to be believed: OpenSSL's code or `ERR_TLS_CERT_ALTNAME_INVALID`. */
  readonly refusal: string | null;
  /** As in the certificate: `DNS:example.org, DNS:*.example.org`. */
  readonly names: string;
  readonly issuer: string;
  /** Null: none was agreed on. */
  readonly alpn: string | null;
}

const NAMES_MAX_CHARS = 120;

/** Of a socket whose handshake is complete. */
export function certificateOf(socket: TLSSocket): Certificate {
  const {
    subjectaltname = '',
    subject,
    issuer,
    valid_from: validFrom,
    valid_to: validTo,
  } = socket.getPeerCertificate();
  const { authorizationError } = socket;
  return {
    refusal: socket.authorized ? null : codeOf(authorizationError),
    names: subjectaltname === '' ? `CN:${oneOf(subject?.CN)}` : subjectaltname,
    issuer: oneOf(issuer?.O ?? issuer?.CN),
    notBeforeMs: Date.parse(validFrom),
    notAfterMs: Date.parse(validTo),
    alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : null,
  };
}

function codeOf(error: unknown): string {
  if (error instanceof Error) return (error as NodeJS.ErrnoException).code ?? error.message;
  return typeof error === 'string' ? error : 'unknown';
}

function oneOf(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '?');
}

const REFUSALS: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'is for other names',
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'comes from an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'comes from an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'comes from an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'cannot be verified: its chain is not complete, or not trusted here',
};

const RENEW = 'renew it where TLS ends';
const FIXES: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'use one of its names, or give the server a certificate for this one',
  CERT_HAS_EXPIRED: RENEW,
  CERT_NOT_YET_VALID: "check both machines' clocks",
};

/** `where`: `wss://host:port`, what was connected to. `trust`: how to have another authority trusted here. */
export function judgeCertificate(certificate: Certificate, where: string, trust: string, nowMs: number): Finding {
  const { refusal, names, issuer } = certificate;
  const shown = names.length > NAMES_MAX_CHARS ? `${names.slice(0, NAMES_MAX_CHARS)}…` : names;
  if (refusal !== null) {
    const what = REFUSALS[refusal] ?? 'is not accepted';
    return fail('certificate', `${where}: the certificate (${shown}) ${what} (${refusal})`, FIXES[refusal] ?? trust);
  }
  const { status, left } = expiryOf(certificate, nowMs);
  const message = `${where}: ${shown} from ${issuer}, valid for ${left} still`;
  if (status === 'ok') return ok('certificate', message);
  return (status === 'fail' ? fail : warn)('certificate', message, RENEW);
}
