/** Heads, written around what node:http will not write. */
import type { ServerResponse } from 'node:http';
import { lowerName } from '@sallyport/protocol';

/** As it stands on the wire, up to the empty line. */
export function headText(status: number, reason: string, fields: readonly string[]): string {
  let text = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]!}: ${fields[i + 1]!}\r\n`;
  return text;
}

/**
 * `response.writeHead`, but for what Node throws at: `Trailer` where no chunks follow (to HEAD, to HTTP/1.0, beside a
 * length), which is left out. False: it will not write this head at all.
 */
export function writeHead(
  response: ServerResponse,
  status: number,
  reason: string,
  fields: readonly string[],
): boolean {
  try {
    response.writeHead(status, reason, fields as string[]);
    return true;
  } catch {
    // Told apart by trying: a look at every field of every answer would cost more.
    return writeWithoutTrailer(response, status, reason, fields);
  }
}

function writeWithoutTrailer(
  response: ServerResponse,
  status: number,
  reason: string,
  fields: readonly string[],
): boolean {
  const kept = fields.filter((_, i) => lowerName(fields[i - (i % 2)]!) !== 'trailer');
  try {
    response.writeHead(status, reason, kept);
    return true;
  } catch {
    return false;
  }
}
