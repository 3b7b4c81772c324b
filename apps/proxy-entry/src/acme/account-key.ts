/** The key of the account with the authority: made on first use, for its owner alone, and once, however many ask. */
import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { access, link, unlink, writeFile } from 'node:fs/promises';
import { readRegularFile } from '@sallyport/config';
import { TlsError } from '../tls/tls-error.ts';
import { OWNER_ONLY } from './files.ts';

/** PEM. Rejects with a TlsError. */
export async function accountKey(path: string): Promise<string> {
  try {
    await make(path);
  } catch (error) {
    throw refusal(`${path} cannot be made (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  const read = await readRegularFile(path);
  if (!read.ok) throw refusal(read.why);
  try {
    createPrivateKey(read.text);
  } catch {
    throw refusal(`${path} is no key (PEM)`);
  }
  return read.text;
}

function refusal(why: string): TlsError {
  return new TlsError('SP_ACME', why, 'put that file right, or correct entry.tls.acme.accountKeyFile');
}

/** Linked into place, so that it is whole, and of two that are made at once one is used by both. */
async function make(path: string): Promise<void> {
  try {
    await access(path);
    return;
  } catch {
    // Not there.
  }
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  await writeFile(draft, privateKey, { mode: OWNER_ONLY, flag: 'wx' });
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
}
