/** Files that are there whole or not at all. */
import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export const OWNER_ONLY = 0o600;
export const FOR_ALL = 0o644;

/** Rejects with the system's error; then what was there stays. */
export async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}`);
  try {
    const file = await open(draft, 'wx', mode);
    try {
      await file.writeFile(text);
      // A name that is there after a loss of power, with nothing below it, would be neither the old nor the new.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw error;
  }
}
