import { randomBytes } from 'node:crypto';
import { open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { type Result, done, failed, systemCode } from './errors.ts';

// A change takes milliseconds. A lock this old was left by a writer that died, or one that is stopped and will notice below.
const STALE_AFTER_MS = 10_000;
const WAIT_MAX_MS = 15_000;
const POLL_MIN_MS = 5;
const POLL_SPREAD_MS = 20;

export interface FileLock {
  /** Whether it is still ours: a writer stopped for too long finds it taken over, and must begin anew. */
  readonly held: () => Promise<boolean>;
  readonly release: () => Promise<void>;
}

/**
 * Takes the lock file `path` (created exclusively), waiting for at most 15 s while somebody else has it. By age and not by
 * process id, since containers that share a folder do not share process ids.
 */
export async function acquireLock(path: string): Promise<Result<FileLock>> {
  const token = randomBytes(16).toString('hex');
  const deadlineMs = performance.now() + WAIT_MAX_MS;
  for (;;) {
    const code = await create(path, token);
    if (code === null) return done(lockOf(path, token));
    if (code !== 'EEXIST') {
      const hint = 'check that the folder is there, writable and not full';
      return failed('SP_CREDENTIALS_IO', `${path} cannot be made (${code})`, hint, { file: path });
    }
    await removeIfStale(path, token);
    if (performance.now() > deadlineMs) {
      return failed(
        'SP_CREDENTIALS_LOCKED',
        `${path} is held by another writer`,
        'wait for it; if none is running, remove this file',
        { file: path },
      );
    }
    await wait(POLL_MIN_MS + Math.random() * POLL_SPREAD_MS);
  }
}

/** Null, or the system's code of what went wrong; then nothing of ours is left behind. */
async function create(path: string, token: string): Promise<string | null> {
  let made = false;
  try {
    const file = await open(path, 'wx', 0o600);
    made = true;
    try {
      await file.writeFile(token);
    } finally {
      await file.close();
    }
    return null;
  } catch (error) {
    if (made) await unlink(path).catch(() => undefined);
    return systemCode(error);
  }
}

function lockOf(path: string, token: string): FileLock {
  const held = async () => (await readFile(path, 'utf8').catch(() => '')) === token;
  return {
    held,
    release: async () => {
      if (await held()) await unlink(path).catch(() => undefined);
    },
  };
}

/**
 * Moves an abandoned lock aside, which only one process can do with one file. Should two race so closely that a fresh lock is
 * moved, its owner sees in `held` that it lost it.
 */
async function removeIfStale(path: string, token: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs < STALE_AFTER_MS) return;
    const aside = `${path}.${token}`;
    await rename(path, aside);
    await unlink(aside);
  } catch {
    // Gone in the meantime: somebody released or moved it.
  }
}
