/** The key of the account with the authority: made on first use, for its owner alone, and once, however many ask. */
import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { access, link, readFile, unlink, writeFile } from 'node:fs/promises';
import { TlsError } from '../tls/tls-error.ts';
import { OWNER_ONLY } from './files.ts';

/** PEM. Rejects with a TlsError. */
export async function accountKey(path: string): Promise<string> {
  try {
    await make(path);
    const key = await readFile(path, 'utf8');
    createPrivateKey(key);
    return key;
  } catch (error) {
    const { code = 'unknown', syscall } = error as NodeJS.ErrnoException;
    const what = syscall === undefined ? 'is no key (PEM)' : `cannot be made or read (${code})`;
    throw new TlsError('SP_ACME', `${path} ${what}`, 'put that file right, or correct entry.tls.acme.accountKeyFile');
  }
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
