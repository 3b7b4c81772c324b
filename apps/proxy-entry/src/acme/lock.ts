/**
 * Who of the entries that share a folder asks the authority now. By age and not by process id, since machines and
 * containers that share a folder do not share process ids.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { OWNER_ONLY } from './files.ts';

/** An order takes seconds to minutes: its owner says all the time that it lives. */
const TOUCH_MS = 10_000;
const STALE_AFTER_MS = 60_000;

export interface Lock {
  /** Whether it is still ours: who was stopped for long finds it taken over. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

/** Null: somebody else has it. Rejects with the system's error where it cannot be made. */
export async function tryLock(path: string, nowMs: number): Promise<Lock | null> {
  const token = randomBytes(16).toString('hex');
  await removeIfStale(path, token, nowMs);
  try {
    await writeFile(path, token, { mode: OWNER_ONLY, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null;
    throw error;
  }
  const isHeld = async () => (await readFile(path, 'utf8').catch(() => '')) === token;
  const touch = async () => {
    if (await isHeld()) await utimes(path, new Date(), new Date()).catch(() => undefined);
  };
  const timer = setInterval(() => void touch(), TOUCH_MS).unref();
  return {
    isHeld,
    release: async () => {
      clearInterval(timer);
      if (await isHeld()) await unlink(path).catch(() => undefined);
    },
  };
}

/**
 * Moved aside, which only one can do with one file. Of two who found it stale the slower may so move the lock that the
 * faster has made meanwhile: then both go on, and the faster finds by `isHeld` that it has it no more.
 */
async function removeIfStale(path: string, token: string, nowMs: number): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (nowMs - mtimeMs < STALE_AFTER_MS) return;
    await rename(path, `${path}.${token}`);
    await unlink(`${path}.${token}`);
  } catch {
    // Not there, or somebody else was faster.
  }
}
