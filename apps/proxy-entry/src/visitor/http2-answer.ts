/** Fields of an answer as HTTP/2 has them (RFC 9113 §8.2). Pure. */
import type { OutgoingHttpHeaders } from 'node:http2';
import { FieldKind, kindOf, lowerName } from '@sallyport/protocol';

export interface AnswerFields {
  /** Flat, as `respond` takes it. */
  readonly list: string[];
  /** Trailers may follow: it is framed by its end, or says so. */
  readonly mayTrail: boolean;
  /** `Sec-WebSocket-Accept`, which is not in the list; '' for none. */
  readonly accept: string;
}

/** RFC 6455 §1.3. */

export function answerFields(status: number, fields: readonly string[]): AnswerFields {
  const list = [':status', String(status)];
  let hasLength = false;
  let announces = false;
  let accept = '';
  for (let i = 0; i < fields.length; i += 2) {
    if (isOfConnection(fields[i]!)) continue;
    const name = lowerName(fields[i]!);
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
  // A name may be any token, `__proto__` too.
  const object = Object.create(null) as Record<string, string[] | number>;
  if (status !== 0) object[':status'] = status;
  for (let i = 0; i < fields.length; i += 2) {
    if (isOfConnection(fields[i]!)) continue;
    const name = lowerName(fields[i]!);
    const values = object[name];
    if (Array.isArray(values)) values.push(fields[i + 1]!);
    else object[name] = [fields[i + 1]!];
  }
  return object;
}

/** RFC 9113 §8.2.2: node:http2 throws where it is given one. */
function isOfConnection(name: string): boolean {
  return (kindOf(name) & FieldKind.HOP) !== 0;
}
