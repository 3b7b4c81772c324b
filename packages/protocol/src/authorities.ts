/** A file of authorities that the other end's certificate is checked against. */
import { X509Certificate } from 'node:crypto';
import { LinkAddressError } from './proxy.ts';

/** As the reader of the caller says: the text, or why there is none, in words that begin with the path. */
export type ReadFile = (
  path: string,
) => { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const FIX = 'give it a file (PEM), whole, that can be read';

/** The text (PEM) of the file that `setting` names. Throws a LinkAddressError: OpenSSL passes over what it cannot read. */
export function readAuthorities(file: string, setting: string, readFile: ReadFile): string {
  const text = textOf(file, setting, readFile);
  if (!areCertificates(text)) {
    throw new LinkAddressError('SP_LINK_CERTIFICATE', `${setting}: ${file} is no file of whole certificates`, FIX);
  }
  return text;
}

/** Whether a text (PEM) is certificates and nothing else, each of them whole: a file may be half written. */
export function areCertificates(text: string): boolean {
  const blocks = text.match(BLOCK) ?? [];
  return blocks.length > 0 && blocks.length === text.split('-----BEGIN ').length - 1 && blocks.every(isCertificate);
}

/** The text of the file that `setting` names. Throws a LinkAddressError. */
export function textOf(file: string, setting: string, readFile: ReadFile): string {
  const read = readFile(file);
  if (!read.ok) throw new LinkAddressError('SP_LINK_CERTIFICATE', `${setting}: ${read.why}`, FIX);
  return read.text;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
