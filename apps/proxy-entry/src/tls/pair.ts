/** A certificate with its key, from two files: read, checked, or why it cannot be used. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { readRegularFile } from '@sallyport/config';
import { isNameless, namesOf } from './names.ts';
import type { CertificateNames } from './names.ts';

export interface PairFiles {
  /** The name of both files without their endings. */
  readonly stem: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface Pair {
  readonly stem: string;
  /** PEM: the certificate, then its chain. */
  readonly certificate: string;
  readonly key: string;
  readonly names: CertificateNames;
  /** Wall clock. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export type PairResult = { readonly ok: true; readonly pair: Pair } | { readonly ok: false; readonly why: string };

/** Never rejects: what cannot be used says why, in words that follow the pair's name. */
export async function readPair({ stem, certificateFile, keyFile }: PairFiles): Promise<PairResult> {
  const certificate = await readRegularFile(certificateFile);
  if (!certificate.ok) return certificate;
  const key = await readRegularFile(keyFile);
  if (!key.ok) return key;
  return checkPair(stem, certificate.text, key.text);
}

export function checkPair(stem: string, certificate: string, key: string): PairResult {
  const leaf = parse(() => new X509Certificate(certificate));
  if (leaf === null) return no('its certificate is not whole, or is no PEM');
  const privateKey = parse((): KeyObject => createPrivateKey(key));
  if (privateKey === null) return no('its key is not whole, wants a passphrase, or is no PEM');
  if (!leaf.checkPrivateKey(privateKey)) return no('its key belongs to another certificate');
  if (parse(() => createSecureContext({ cert: certificate, key, ca: [] })) === null) {
    return no('OpenSSL does not take it: a key that is too small, or a chain that is broken');
  }
  const names = namesOf(leaf.subjectAltName ?? '');
  if (isNameless(names)) return no('its certificate names no host (subjectAltName)');
  const [notBeforeMs, notAfterMs] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
  return { ok: true, pair: { stem, certificate, key, names, notBeforeMs, notAfterMs } };
}

function no(why: string): { readonly ok: false; readonly why: string } {
  return { ok: false, why };
}

function parse<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch {
    return null;
  }
}
