/** A file of authorities that the other end's certificate is checked against. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LinkAddressError } from './proxy.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const FIX = 'give it a file of whole certificates (PEM) that can be read';

/** The text (PEM) of the file that `setting` names. Throws a LinkAddressError: OpenSSL passes over what it cannot read. */
export function readAuthorities(file: string, setting: string): string {
  const text = read(file, setting);
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0 || blocks.length !== text.split('-----BEGIN ').length - 1 || !blocks.every(isCertificate)) {
    throw new LinkAddressError('SP_LINK_CERTIFICATE', `${setting}: ${file} is no file of whole certificates`, FIX);
  }
  return text;
}

function read(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new LinkAddressError('SP_LINK_CERTIFICATE', `${setting}: ${file} cannot be read (${code})`, FIX);
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
