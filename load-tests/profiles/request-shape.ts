import { wholeIn } from '../src/ranges.ts';
import { parseBodySize } from './body-size.ts';
import type { BodySize } from './body-size.ts';
import { listOf, record, refuse } from './fields.ts';

const MAX_REQUESTS = 1000;
const MAX_WEIGHT = 100;
const KEYS = ['method', 'path', 'headers', 'body', 'bodyBytes', 'weight'] as const;
/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
/** RFC 9110 §5.5: no controls but the tab; whatever is not ASCII goes out as UTF-8. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\u{10ffff}]*$/u;
/** Origin form without spaces and controls (RFC 9112 §3.2.1). */
const PATH = /^\/[\x21-\x7e]*$/;

/** One kind of request of a profile. `path` begins with `/` and is looked for below the target's place. */
export type RequestShape = {
  method: string;
  path: string;
  /** Lower-case names; one that has several values is there as often. */
  headers: [name: string, value: string][];
  /** As text, or as so many bytes of a filler; null for none. */
  body: string | { sizes: BodySize } | null;
  /** How often, compared with the others; a whole number from 1. */
  weight: number;
};

/** @throws LoadError of exit code 2, naming `where` */
export function parseRequests(value: unknown, where: string): RequestShape[] {
  return listOf(value, MAX_REQUESTS, where, '[{ path: /loadtest/get }]', parseRequest);
}

function parseRequest(value: unknown, where: string): RequestShape {
  const fields = record(value, KEYS, where);
  const { path, body, bodyBytes, headers = {}, weight = 1 } = fields;
  if (typeof path !== 'string' || !isPath(path)) {
    throw refuse(`${where}.path must be such as /loadtest/get, not ${JSON.stringify(path)}`);
  }
  if (body !== undefined && bodyBytes !== undefined) throw refuse(`${where}: give either body or bodyBytes, not both`);
  if (body !== undefined && typeof body !== 'string') throw refuse(`${where}.body must be text; quote it`);
  const sizes = bodyBytes === undefined ? null : { sizes: parseBodySize(bodyBytes, `${where}.bodyBytes`) };
  const payload = body ?? sizes;
  return {
    method: parseMethod(fields['method'] ?? (payload === null ? 'GET' : 'POST'), `${where}.method`),
    path,
    headers: parseHeaders(headers, `${where}.headers`),
    body: payload,
    weight: wholeIn(weight, 1, MAX_WEIGHT, `${where}.weight`),
  };
}

/** @throws LoadError `SP_LOAD_PROFILE` for what is no method in capitals, and for CONNECT */
function parseMethod(value: unknown, where: string): string {
  if (typeof value === 'string' && isMethod(value)) return value;
  throw refuse(`${where} must be such as GET or POST, not ${JSON.stringify(value)}`);
}

/** Origin form, of what may be sent (RFC 9112 §3.2.1). */
export function isPath(text: string): boolean {
  return PATH.test(text) && !text.includes('#');
}

export function isMethod(text: string): boolean {
  return /^[A-Z]{1,20}$/.test(text) && text !== 'CONNECT';
}

/** Whether this can be sent as a field: a token, and one line of text (RFC 9110 §5.1, §5.5). */
export function isField(name: string, value: string): boolean {
  return TOKEN.test(name) && FIELD_VALUE.test(value);
}

/**
 * Fields of the connection, which are the generator's own business (RFC 9110 §7.6.1, RFC 9113 §8.2.2), and those that
 * frame the body or ask for another answer first.
 */
const OWN_FIELDS: readonly string[] = [
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
];

/** True for a field that no request of a load test may set, in no protocol. */
export function isOwnField(name: string): boolean {
  return OWN_FIELDS.includes(name.toLowerCase());
}

function parseHeaders(value: unknown, where: string): RequestShape['headers'] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(`${where} must be a mapping such as { accept: text/plain }`);
  }
  return Object.entries(value).flatMap(([name, content]) =>
    (Array.isArray(content) ? content : [content]).map((each): [string, string] => [
      name.toLowerCase(),
      fieldValue(name, each, where),
    ]),
  );
}

function fieldValue(name: string, content: unknown, where: string): string {
  if (!['string', 'number', 'boolean'].includes(typeof content)) {
    throw refuse(`${where}: ${JSON.stringify(name)} must be text, or a list of texts such as [a, b]`);
  }
  const text = String(content);
  if (!isField(name, text)) throw refuse(`${where}: ${JSON.stringify(name)} is not a field name with a one-line value`);
  if (isOwnField(name)) throw refuse(`${where}: ${name} is set by the connection itself; remove it`);
  return text;
}
