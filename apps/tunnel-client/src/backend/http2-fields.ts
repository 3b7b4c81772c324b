/** Heads between the tunnel's form and HTTP/2's (RFC 9113 §8.3). Both flat: name, value, … */
import { lowerName, webSocketAccept } from '@sallyport/protocol';
import type { BackendRequest } from './transport.ts';

/** RFC 6455 §1.3. */

export interface Http2Head {
  /** Pseudo fields first, all names in lower case. */
  readonly fields: string[];
  /** −1: none was said. */
  readonly contentLength: number;
}

/** The head of a request: Host becomes `:authority`. */
export function requestHead({ method, target, fields }: BackendRequest, scheme: string): Http2Head {
  const head = [':method', method, ':scheme', scheme, ':authority', '', ':path', target];
  let contentLength = -1;
  for (let i = 0; i < fields.length; i += 2) {
    const name = lowerName(fields[i]!);
    const value = fields[i + 1]!;
    if (name === 'host') {
      head[5] = value;
      continue;
    }
    if (name === 'content-length') contentLength = Number(value);
    head.push(name, value);
  }
  return { fields: head, contentLength };
}

/** Of a request for a WebSocket by HTTP/1.1: what is said of it in this protocol's own way, or not at all. */
const OF_UPGRADE: ReadonlySet<string> = new Set(['upgrade', 'sec-websocket-key']);

/** The extended CONNECT for a WebSocket (RFC 8441 §4, §5); null where the request is for another protocol. */
export function connectHead(request: BackendRequest, scheme: string): string[] | null {
  if (valueOf(request.fields, 'upgrade')?.toLowerCase() !== 'websocket') return null;
  const { fields } = requestHead({ ...request, method: 'CONNECT' }, scheme);
  const head = [':protocol', 'websocket'];
  for (let i = 0; i < fields.length; i += 2) {
    if (!OF_UPGRADE.has(fields[i]!)) head.push(fields[i]!, fields[i + 1]!);
  }
  return head;
}

/** What the 101 says that a visitor of HTTP/1.1 waits for (RFC 6455 §4.2.2). */
export function switchedFields(request: BackendRequest, fields: readonly string[]): string[] {
  const key = valueOf(request.fields, 'sec-websocket-key') ?? '';
  return ['Upgrade', 'websocket', 'Sec-WebSocket-Accept', webSocketAccept(key), ...fields];
}

/** An answer's fields without its pseudo fields. */
export function plainFields(raw: readonly string[]): string[] {
  const fields: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    if (!raw[i]!.startsWith(':')) fields.push(raw[i]!, raw[i + 1]!);
  }
  return fields;
}

/** The form in which node:http2 takes trailers. */
export function trailerObject(trailers: readonly string[]): Record<string, string[]> {
  // A name may be any token, `__proto__` too.
  const object = Object.create(null) as Record<string, string[]>;
  for (let i = 0; i < trailers.length; i += 2) (object[lowerName(trailers[i]!)] ??= []).push(trailers[i + 1]!);
  return object;
}

/** Whether it has a field of this name, in lower case. */
export function asksFor({ fields }: BackendRequest, name: string): boolean {
  return valueOf(fields, name) !== undefined;
}

function valueOf(fields: readonly string[], name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    if (lowerName(fields[i]!) === name) return fields[i + 1];
  }
  return undefined;
}
