/** Fields that a collector wants to see, such as its token: a file, so that they stand in no configuration. */
import { readFile } from 'node:fs/promises';

/** What keeps traces from being exported as configured: its message, and how to fix it. It never repeats the file. */
export class TracingError extends Error {
  readonly code = 'SP_TRACING_HEADERS';
  readonly fix = 'write one Name: value a line';
}

const MAX_FILE_CHARS = 65_536;
const MAX_LINES = 64;
/** RFC 9110 §5.6.2 and §5.5, without what is not ASCII. */
const LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)$/;
/** Ours to say, or of one connection. */
const RESERVED =
  /^(?:content-type|content-length|content-encoding|host|connection|transfer-encoding|expect|te|upgrade)$/i;

/** The fields of a file, `Name: value` a line; empty lines and those that begin with # are none. Rejects with a TracingError. */
export async function readHeadersFile(path: string): Promise<Record<string, string>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new TracingError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'EIO'})`);
  }
  if (text.length > MAX_FILE_CHARS) throw new TracingError(`${path} is too long for a file of fields`);
  const fields: Record<string, string> = {};
  const lines = text.split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const [, name, value] = LINE.exec(trimmed) ?? [];
    if (name === undefined || value === undefined) throw new TracingError(`${path}:${index + 1} is not Name: value`);
    if (RESERVED.test(name)) throw new TracingError(`${path}:${index + 1} names a field that is not free to choose`);
    fields[name] = value;
  }
  if (Object.keys(fields).length > MAX_LINES) throw new TracingError(`${path} has more than ${MAX_LINES} fields`);
  return fields;
}
