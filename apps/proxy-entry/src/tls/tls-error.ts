/** What keeps the port for TLS from opening: its message, and how to fix it. */
import { stat } from 'node:fs/promises';

export class TlsError extends Error {
  readonly code: string;
  readonly fix: string;

  constructor(code: string, message: string, fix: string) {
    super(message);
    this.code = code;
    this.fix = fix;
  }
}

/** Rejects with a TlsError. */
export async function mustBeFolder(path: string): Promise<void> {
  let why = 'is not a folder';
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch (error) {
    why = `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
  }
  throw new TlsError(
    'SP_TLS_FOLDER',
    `${path} ${why}`,
    'set entry.tls.certificates to a folder of pairs .crt and .key',
  );
}
