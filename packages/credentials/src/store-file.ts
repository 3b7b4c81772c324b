import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { type FileHandle, link, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Result, done, failed, systemCode } from './errors.ts';
import { type Pepper, PEPPER_BYTES, newPepper, pepperFrom } from './secrets.ts';
import { formatStore, parseStore } from './store-text.ts';
import type { CredentialRecord } from './types.ts';

const OWNER_ONLY = 0o600;
const STORE_MAX_BYTES = 64 * 1024 * 1024;

export interface StorePaths {
  readonly store: string;
  readonly pepper: string;
}

export interface StoreContent {
  readonly records: readonly CredentialRecord[];
  readonly pepper: Pepper;
}

/** Changes whenever the file was replaced or written; undefined while it is not there. */
export function fingerprint(path: string): string | undefined {
  try {
    const { ino, mtimeNs, size } = statSync(path, { bigint: true });
    return `${ino} ${mtimeNs} ${size}`;
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? undefined : systemCode(error);
  }
}

/** Changes with either file: a pepper that was put right is to be tried again. */
export function fingerprints({ store, pepper }: StorePaths): string {
  return `${fingerprint(store)} ${fingerprint(pepper)}`;
}

/** Reads store and pepper, synchronously (at most 64 MiB): `verify` cannot wait. */
export function readStore({ store, pepper }: StorePaths): Result<StoreContent> {
  const text = readSmall(store, STORE_MAX_BYTES);
  if (typeof text === 'string') {
    if (text === 'ENOENT') {
      const hint = 'make it by adding a credential: sallyport creds add NAME --for client --sessions demo';
      return failed('SP_CREDENTIALS_NOT_FOUND', `${store} is not there`, hint, { file: store });
    }
    return unreadable(store, text);
  }
  const records = parseStore(text.toString('utf8'), store);
  if (!records.ok) return records;
  const key = readPepper(pepper);
  return key.ok ? done({ records: records.value, pepper: key.value }) : key;
}

export function readPepper(path: string): Result<Pepper> {
  const bytes = readSmall(path, PEPPER_BYTES);
  if (typeof bytes !== 'string' && bytes.length === PEPPER_BYTES) return done(pepperFrom(bytes));
  if (bytes === 'EACCES' || bytes === 'EPERM') return unreadable(path, bytes);
  const what = bytes === 'ENOENT' ? 'is not there' : `is not a file of ${PEPPER_BYTES} bytes`;
  const hint = 'restore it from the backup of the store; without it remove the store and issue new credentials';
  return failed('SP_CREDENTIALS_PEPPER', `${path} ${what}`, hint, { file: path });
}

/** Makes the pepper unless there is one. Two that do so at once end with the same: the first. */
export async function ensurePepper(path: string): Promise<Result<Pepper>> {
  if (fingerprint(path) !== undefined) return readPepper(path);
  const temporary = temporaryName(path);
  try {
    await writeDurably(temporary, newPepper());
    await link(temporary, path).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error;
    });
    await syncFolder(path);
  } catch (error) {
    return unwritable(path, error);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
  return readPepper(path);
}

/**
 * Replaces the store at once or not at all: a temporary file, fsync, rename, fsync of the folder. `stillMine` is asked last
 * thing before the rename; false leaves the store as it was.
 */
export async function writeStore(
  path: string,
  records: readonly CredentialRecord[],
  stillMine: () => Promise<boolean>,
): Promise<Result<boolean>> {
  const temporary = temporaryName(path);
  try {
    await writeDurably(temporary, formatStore(records), path);
    if (!(await stillMine())) return done(false);
    await rename(temporary, path);
    await syncFolder(path);
    return done(true);
  } catch (error) {
    return unwritable(path, error);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

function temporaryName(path: string): string {
  return `${path}.${randomBytes(8).toString('hex')}.tmp`;
}

async function writeDurably(path: string, content: string | Buffer, like?: string): Promise<void> {
  const file = await open(path, 'wx', OWNER_ONLY);
  try {
    if (like !== undefined) await keepOwner(file, like);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Root that changes a service's store must not lock the service out. */
async function keepOwner(file: FileHandle, like: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const owner = await stat(like).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) await file.chown(owner.uid, owner.gid);
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder.
  if (process.platform === 'win32') return;
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The bytes, or the reason why not. */
function readSmall(path: string, maxBytes: number): Buffer | string {
  try {
    const stats = statSync(path);
    // A pipe would be waited for, and with it every link that asks to be let in.
    if (!stats.isFile()) return 'no regular file';
    if (stats.size > maxBytes) return 'EFBIG';
    return readFileSync(path);
  } catch (error) {
    return systemCode(error);
  }
}

function unreadable(path: string, code: string): Result<never> {
  return failed('SP_CREDENTIALS_IO', `${path} cannot be read (${code})`, 'check the path and who may read it', {
    file: path,
  });
}

function unwritable(path: string, error: unknown): Result<never> {
  const hint = 'check that the folder is there, writable and not full';
  return failed('SP_CREDENTIALS_IO', `${path} cannot be written (${systemCode(error)})`, hint, { file: path });
}
