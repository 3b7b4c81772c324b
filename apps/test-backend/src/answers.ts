/** Answers whose bytes are known beforehand, and the small JSON ones that are not. */
import type { ServerResponse } from 'node:http';

export interface FixedAnswer {
  /** Names and values alternating, as `writeHead` takes them without a copy. */
  readonly headers: string[];
  /** Latin-1. */
  readonly body: string;
}

function fixed(contentType: string, body: string): FixedAnswer {
  return { headers: ['Content-Type', contentType, 'Content-Length', String(body.length)], body };
}

/** Keyed by the whole target: a lookup allocates nothing, whereas cutting a query off would make a string. */
export const FIXED: ReadonlyMap<string, FixedAnswer> = new Map([
  ['/loadtest/ping', fixed('text/plain', 'pong\n')],
  ['/loadtest/get', fixed('application/json', '{"path":"/loadtest/get","ok":true}\n')],
  ['/loadtest/fast', fixed('application/json', '{"ok":true}\n')],
]);

/** @param headers further fields, names and values alternating. */
export function sendJson(res: ServerResponse, status: number, value: unknown, headers: readonly string[] = []): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  res.writeHead(status, ['Content-Type', 'application/json', 'Content-Length', String(body.length), ...headers]);
  res.end(body);
}
