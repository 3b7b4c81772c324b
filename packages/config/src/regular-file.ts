/**
 * Files that settings name: certificates, keys, credentials. Only regular files are read, or links to them: a pipe waits
 * for its writer already when it is opened, a device may never end, and neither says the same again at a reload.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';

export type FileText =
  | { readonly ok: true; readonly text: string }
  /** `code`: the system's, or words. `why` begins with the path and repeats nothing of the file. */
  | { readonly ok: false; readonly code: string; readonly why: string };

/** The largest that are common, lists of authorities, have a quarter of this. */
export const FILE_MAX_BYTES = 1024 * 1024;

const READ_AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK;

/** The text (UTF-8) of a file of at most 1 MiB. Never rejects. */
export async function readRegularFile(path: string): Promise<FileText> {
  try {
    await using file = await open(path, READ_AT_ONCE);
    if (!(await file.stat()).isFile()) return notRegular(path);
    const bytes = Buffer.allocUnsafe(FILE_MAX_BYTES + 1);
    let length = 0;
    // What it says of its size may change, and is nothing for files that are made as they are read.
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = (await file.read(bytes, length, bytes.length - length, length)).bytesRead;
    }
    return textOf(path, bytes, length);
  } catch (error) {
    return unreadable(path, error);
  }
}

/** The same for those that cannot wait, as who reads a certificate for each dialling. Never throws. */
export function readRegularFileSync(path: string): FileText {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, READ_AT_ONCE);
    if (!fstatSync(descriptor).isFile()) return notRegular(path);
    const bytes = Buffer.allocUnsafe(FILE_MAX_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(descriptor, bytes, length, bytes.length - length, length);
    }
    return textOf(path, bytes, length);
  } catch (error) {
    return unreadable(path, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Another one where any of the files was changed, replaced, made or removed. Never rejects. */
export async function fingerprintOf(paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.map(stateOf))).join(' ');
}

async function stateOf(path: string): Promise<string> {
  try {
    const { ino, mtimeNs, size } = await stat(path, { bigint: true });
    return `${ino}-${mtimeNs}-${size}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

function textOf(path: string, bytes: Buffer, length: number): FileText {
  if (length > FILE_MAX_BYTES) {
    return { ok: false, code: 'EFBIG', why: `${path} has more than ${FILE_MAX_BYTES} bytes` };
  }
  return { ok: true, text: bytes.toString('utf8', 0, length) };
}

function notRegular(path: string): FileText {
  const why = `${path} is no regular file (pipes, devices, /dev/stdin and <(…) are not read)`;
  return { ok: false, code: 'no regular file', why };
}

function unreadable(path: string, error: unknown): FileText {
  const { code = 'EIO' } = error as NodeJS.ErrnoException;
  return { ok: false, code, why: `${path} cannot be read (${code})` };
}
