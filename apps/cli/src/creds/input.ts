/** Files and standard input that a command reads whole. */
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { usageError } from '../exit.ts';

/** Room for a full store's credentials at their longest. */
const INPUT_MAX_BYTES = 64 * 1024 * 1024;

/** The text of a file, or of standard input for `-`. Throws a usage CommandError over 64 MiB, and Node's own of files. */
export async function readInput(file: string, stdin: Readable): Promise<string> {
  if (file === '-') return readAll(stdin, 'standard input');
  const handle = await open(file, 'r');
  try {
    return await readAll(handle.createReadStream({ autoClose: false }), file);
  } finally {
    await handle.close();
  }
}

async function readAll(stream: Readable, name: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > INPUT_MAX_BYTES) throw usageError(`${name} is longer than 64 MiB`, 'import it in pieces');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
