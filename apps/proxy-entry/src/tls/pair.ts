/** A certificate with its key, from two files: read, checked, or why it cannot be used. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
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

/** A chain of ten certificates is a tenth of this. */
export const FILE_MAX_BYTES = 256 * 1024;

/** Never rejects: what cannot be used says why, in words that follow the pair's name. */
export async function readPair({ stem, certificateFile, keyFile }: PairFiles): Promise<PairResult> {
  const certificate = await readSmall(certificateFile);
  if (!certificate.ok) return certificate;
  const key = await readSmall(keyFile);
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

type Small = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

/** Not waiting for who writes into a pipe: it would hold one of the process's few threads for files. */
const READ_AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK;

/** A file of at most 256 KiB, as text; what is no file (a pipe, a device, a folder) is not read. */
export async function readSmall(path: string): Promise<Small> {
  try {
    const file = await open(path, READ_AT_ONCE);
    try {
      const stats = await file.stat();
      if (!stats.isFile()) return no(`${path} is no file`);
      const bytes = Buffer.allocUnsafe(FILE_MAX_BYTES + 1);
      let length = 0;
      // What it says of its size may change, and is nothing for files that are made as they are read.
      for (let read = -1; read !== 0 && length < bytes.length; length += read) {
        read = (await file.read(bytes, length, bytes.length - length, length)).bytesRead;
      }
      if (length > FILE_MAX_BYTES) return no(`${path} has more than ${FILE_MAX_BYTES} bytes`);
      return { ok: true, text: bytes.toString('latin1', 0, length) };
    } finally {
      await file.close();
    }
  } catch (error) {
    return no(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
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
