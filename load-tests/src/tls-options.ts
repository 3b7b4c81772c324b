import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { ArmPlan, TlsPlan } from '../engine/plan.ts';
import { LoadError } from './errors.ts';

/** RFC 7468 §5, and the older names that OpenSSL reads. */
const PEM_BLOCK = /^-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/m;

/** PEM texts. `ca` is believed on both arms; the certificate with its key is shown to the tunnel only. */
export type TlsOptions = { ca?: string | undefined; cert?: string | undefined; key?: string | undefined };

/** @throws LoadError `SP_LOAD_TLS` when they do not fit together, or none of the arms is encrypted */
export function checkTls({ ca, cert, key }: TlsOptions, arms: readonly ArmPlan[]): void {
  const isSecure = arms.some(({ tls }) => tls !== null);
  const isTunnelSecure = arms.some(({ name, tls }) => name === 'tunnel' && tls !== null);
  if ((cert === undefined) !== (key === undefined)) throw refuse('--cert and --key go together; give both');
  if (ca !== undefined && !isSecure) throw refuse('--ca is for an https:// target; correct --target or leave it out');
  if (cert === undefined || key === undefined) return checkPem('--ca', ca);
  if (!isTunnelSecure) throw refuse('--cert is for an https:// target; correct --target or leave it out');
  checkPem('--ca', ca);
  checkPem('--cert', cert);
  try {
    const privateKey = createPrivateKey(key);
    if (!new X509Certificate(cert).checkPrivateKey(privateKey))
      throw refuse('--key is not the key of --cert; give its own');
    createSecureContext({ cert, key });
  } catch (error) {
    if (error instanceof LoadError) throw error;
    throw refuse('--key is not a private key in PEM form without a passphrase; convert it with openssl pkey');
  }
}

function checkPem(flag: string, text: string | undefined): void {
  if (text === undefined) return;
  try {
    // Where an authority is expected, Node takes text without a block for none at all.
    if (PEM_BLOCK.test(text)) return void new X509Certificate(text);
  } catch {
    // Said below.
  }
  throw refuse(`${flag} is not a certificate in PEM form; convert it with openssl x509`);
}

/** Sessions are resumed as browsers do, unless a command measures otherwise. */
export function tlsPlan({ ca, cert, key }: TlsOptions, showsCertificate: boolean): TlsPlan {
  return {
    ca: ca ?? null,
    cert: showsCertificate ? (cert ?? null) : null,
    key: showsCertificate ? (key ?? null) : null,
    isResuming: true,
  };
}

function refuse(message: string): LoadError {
  return new LoadError('SP_LOAD_TLS', message);
}
