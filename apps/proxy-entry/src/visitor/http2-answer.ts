/** Fields of an answer as HTTP/2 has them (RFC 9113 §8.2). Pure. */
import { createHash } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http2';
import { lowerName } from '@sallyport/protocol';

export interface AnswerFields {
  /** Flat, as `respond` takes it. */
  readonly list: string[];
  /** Trailers may follow: it is framed by its end, or says so. */
  readonly mayTrail: boolean;
  /** `Sec-WebSocket-Accept`, which is not in the list; '' for none. */
  readonly accept: string;
}

/** RFC 9113 §8.2.2; `HTTP2-Settings` is of the upgrade that RFC 9113 §3.1 took away. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-control',
]);
/** RFC 6455 §1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export function answerFields(status: number, fields: readonly string[]): AnswerFields {
  const list = [':status', String(status)];
  let hasLength = false;
  let announces = false;
  let accept = '';
  for (let i = 0; i < fields.length; i += 2) {
    const name = lowerName(fields[i]!);
    if (OF_CONNECTION.has(name)) continue;
    if (name === 'sec-websocket-accept') {
      accept = fields[i + 1]!;
      continue;
    }
    hasLength ||= name === 'content-length';
    announces ||= name === 'trailer';
    list.push(name, fields[i + 1]!);
  }
  return { list, mayTrail: !hasLength || announces, accept };
}

/** For what Node takes as an object only: a 1xx head and, with a status of 0, trailers. */
export function fieldsObject(fields: readonly string[], status: number): OutgoingHttpHeaders {
  const object: Record<string, string[] | number> = status === 0 ? {} : { ':status': status };
  for (let i = 0; i < fields.length; i += 2) {
    const name = lowerName(fields[i]!);
    if (OF_CONNECTION.has(name)) continue;
    const values = object[name];
    if (Array.isArray(values)) values.push(fields[i + 1]!);
    else object[name] = [fields[i + 1]!];
  }
  return object;
}

export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + WEBSOCKET_GUID)
    .digest('base64');
}
