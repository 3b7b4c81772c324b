/** Fields that a collector wants to see, such as its token: a file, so that they stand in no configuration. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** What keeps traces from being exported as configured: its message, and how to fix it. It never repeats the file. */
export class TracingError extends Error {
  readonly code = 'SP_TRACING_HEADERS';
  readonly fix = 'write one Name: value a line into the file that tracing.headersFile names';
}

const MAX_FILE_BYTES = 65_536;
const MAX_LINES = 64;
/** RFC 9110 §5.6.2 and §5.5, without what is not ASCII. */
const LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)$/;
/** Ours to say, or of one connection. */
const RESERVED = new Set([
  'content-type',
  'content-length',
  'content-encoding',
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'trailer',
  'expect',
  'te',
  'upgrade',
]);

/**
 * The fields of a file, `Name: value` a line, with names in lower case; empty lines and those that begin with # are none.
 * Rejects with a TracingError. On a disk that does not answer it takes for ever.
 */
export async function readHeadersFile(path: string): Promise<Record<string, string>> {
  const fields = new Map<string, string>();
  const lines = (await readRegularFile(path)).split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const where = `${path}:${index + 1}`;
    const [, name, value] = LINE.exec(trimmed) ?? [];
    if (name === undefined || value === undefined) throw new TracingError(`${where} is not Name: value`);
    const lower = name.toLowerCase();
    if (RESERVED.has(lower)) throw new TracingError(`${where} names a field that is not free to choose`);
    if (fields.has(lower)) throw new TracingError(`${where} names a field that is there already`);
    fields.set(lower, value);
  }
  if (fields.size > MAX_LINES) throw new TracingError(`${path} has more than ${MAX_LINES} fields`);
  return Object.fromEntries(fields);
}

/** What is no regular file may never end, or never begin: a pipe would be waited for already when it is opened. */
async function readRegularFile(path: string): Promise<string> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await file.stat();
    if (!found.isFile())
      throw new TracingError(`${path} is no regular file (pipes, devices, /dev/stdin and <(…) are not read)`);
    if (found.size > MAX_FILE_BYTES) throw new TracingError(`${path} is too long for a file of fields`);
    return await file.readFile('utf8');
  } catch (error) {
    if (error instanceof TracingError) throw error;
    throw new TracingError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'EIO'})`);
  }
}
