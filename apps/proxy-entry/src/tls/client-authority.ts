/** What certificates of visitors are checked against: authorities, and lists of what they revoked. */
import { createHash, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { readRegularFile } from '@sallyport/config';

export interface ClientAuthority {
  /** PEM, one item each. */
  readonly certificates: readonly string[];
  readonly revocations: readonly string[];
  /** Changes with any of it. */
  readonly digest: string;
}

export type AuthorityResult =
  | { readonly ok: true; readonly authority: ClientAuthority }
  | { readonly ok: false; readonly why: string };

export const NO_AUTHORITY: ClientAuthority = { certificates: [], revocations: [], digest: '' };

/** Never rejects. Without files: nobody is believed. */
export async function readAuthority(caFile: string | undefined, crlFile: string | undefined): Promise<AuthorityResult> {
  if (caFile === undefined) return { ok: true, authority: NO_AUTHORITY };
  const ca = await readRegularFile(caFile);
  if (!ca.ok) return no(`entry.tls.clientCaFile: ${ca.why}`);
  const certificates = blocksOf(ca.text, 'CERTIFICATE');
  if (!certificates?.every(isCertificate))
    return no(`${caFile} is not a file of whole certificates of authorities (PEM)`);
  let revocations: string[] | null = [];
  if (crlFile !== undefined) {
    const crl = await readRegularFile(crlFile);
    if (!crl.ok) return no(`entry.tls.clientCrlFile: ${crl.why}`);
    // A list that is not whole would let in what it is there to keep out.
    revocations = blocksOf(crl.text, 'X509 CRL');
    if (revocations === null || !areLists(revocations)) return no(`${crlFile} is not a file of whole lists (PEM)`);
  }
  const digest = createHash('sha256')
    .update(JSON.stringify([certificates, revocations]))
    .digest('hex');
  return { ok: true, authority: { certificates, revocations, digest } };
}

function no(why: string): AuthorityResult {
  return { ok: false, why };
}

/**
 * One item for each PEM block (RFC 7468 §2): OpenSSL, as Node calls it, reads the first list of a text alone. Null where
 * there is none, or one that has no end.
 */
function blocksOf(text: string, label: string): string[] | null {
  const blocks = text.match(new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`, 'g'));
  return blocks?.length === text.split('-----BEGIN ').length - 1 ? blocks : null;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).ca;
  } catch {
    return false;
  }
}

/** Node has no reader for such lists but the one that uses them. */
function areLists(revocations: readonly string[]): boolean {
  try {
    createSecureContext({ ca: [], crl: [...revocations] });
    return true;
  } catch {
    return false;
  }
}
