/** OPEN, HEAD and END: encode and decode side by side. */
import { isToken } from './field-kinds.ts';
import { fieldsAreValid, isTarget, isTrimmed } from './fields.ts';
import { readTable, tableBytes, writeTable } from './strings.ts';
import { MAX_HEAD_BYTES, MAX_HEAD_LINES, readU16, readU32, writeU16, writeU32 } from './wire.ts';

const OPEN_FLAG_UPGRADE = 1;
const OPEN_ATTEMPT_AT = 1;
const OPEN_RTT_AT = 2;
const OPEN_SESSION_AT = 6;

export interface OpenHead {
  readonly upgrade: boolean;
  /** 1 to 3: one more for the one retry, and for asking another server where one has no client. */
  readonly attempt: number;
  /** Smoothed round trips of the links so far, in microseconds. */
  readonly rttUs: number;
  readonly session: string;
  /** method, target, then name, value, … */
  readonly strings: readonly string[];
}

export function openBytes(head: OpenHead): number {
  return OPEN_SESSION_AT + 1 + head.session.length + tableBytes(head.strings);
}

export function writeOpen(target: Buffer, at: number, head: OpenHead): void {
  target[at] = head.upgrade ? OPEN_FLAG_UPGRADE : 0;
  target[at + OPEN_ATTEMPT_AT] = head.attempt;
  writeU32(target, at + OPEN_RTT_AT, saturate(head.rttUs));
  target[at + OPEN_SESSION_AT] = head.session.length;
  const tableAt = at + OPEN_SESSION_AT + 1 + target.write(head.session, at + OPEN_SESSION_AT + 1, 'latin1');
  writeTable(target, tableAt, head.strings);
}

/** The session named in an OPEN, for the relay, which reads no further; null when it is torn. */
export function readOpenSession(source: Buffer, start: number, end: number): string | null {
  const from = start + OPEN_SESSION_AT + 1;
  const to = from + source[start + OPEN_SESSION_AT]!;
  return to > end ? null : source.toString('latin1', from, to);
}

/** Null when it is torn or too long; `'bad-head'` when it is whole but not HTTP. */
export function readOpen(source: Buffer, start: number, end: number): OpenHead | 'bad-head' | null {
  const session = readOpenSession(source, start, end);
  if (session === null || (source[start]! & ~OPEN_FLAG_UPGRADE) !== 0) return null;
  const tableAt = start + OPEN_SESSION_AT + 1 + session.length;
  const strings = readTable(source, tableAt, end, 2 + 2 * MAX_HEAD_LINES, MAX_HEAD_BYTES);
  if (strings === 'bad-head') return strings;
  if (strings === null || strings.length < 2) return null;
  if (!isToken(strings[0]!) || !isTarget(strings[1]!) || !fieldsAreValid(strings, 2)) return 'bad-head';
  return {
    upgrade: (source[start]! & OPEN_FLAG_UPGRADE) !== 0,
    attempt: source[start + OPEN_ATTEMPT_AT]!,
    rttUs: readU32(source, start + OPEN_RTT_AT),
    session,
    strings,
  };
}

/** Adds the round trip of the link that an OPEN is relayed to. */
export function addOpenRtt(frame: Buffer, start: number, rttUs: number): void {
  writeU32(frame, start + OPEN_RTT_AT, saturate(readU32(frame, start + OPEN_RTT_AT) + rttUs));
}

/** Times of one request in microseconds, each measured by one process on its own clock (PROTOCOL.md, HEAD). */
export interface HopTimes {
  serverUs: number;
  queueUs: number;
  clientUs: number;
  slotUs: number;
  uploadUs: number;
  backendUs: number;
}

export interface ResponseHead extends Readonly<HopTimes> {
  readonly status: number;
  readonly rttUs: number;
  /** reason, then name, value, … */
  readonly strings: readonly string[];
}

/** RFC 9110 §15: those beyond are invalid, and HTTP/2 as Node has it cannot say them. */
export const MAX_STATUS = 599;

const HEAD_RTT_AT = 2;
const HEAD_SERVER_AT = 6;
const HEAD_QUEUE_AT = 10;
const HEAD_CLIENT_AT = 14;
const HEAD_SLOT_AT = 18;
const HEAD_UPLOAD_AT = 22;
const HEAD_BACKEND_AT = 26;
const HEAD_TABLE_AT = 30;

export function headBytes(head: ResponseHead): number {
  return HEAD_TABLE_AT + tableBytes(head.strings);
}

export function writeHead(target: Buffer, at: number, head: ResponseHead): void {
  writeU16(target, at, head.status);
  writeU32(target, at + HEAD_RTT_AT, saturate(head.rttUs));
  writeU32(target, at + HEAD_SERVER_AT, saturate(head.serverUs));
  writeU32(target, at + HEAD_QUEUE_AT, saturate(head.queueUs));
  writeU32(target, at + HEAD_CLIENT_AT, saturate(head.clientUs));
  writeU32(target, at + HEAD_SLOT_AT, saturate(head.slotUs));
  writeU32(target, at + HEAD_UPLOAD_AT, saturate(head.uploadUs));
  writeU32(target, at + HEAD_BACKEND_AT, saturate(head.backendUs));
  writeTable(target, at + HEAD_TABLE_AT, head.strings);
}

export function readStatus(source: Buffer, start: number): number {
  return readU16(source, start);
}

/** 101 is the final head of its stream; every other 1xx announces a later one. */
export function isInformational(status: number): boolean {
  return status < 200 && status !== 101;
}

/** Null when it is torn or too long; `'bad-head'` when it is whole but not HTTP. */
export function readHead(source: Buffer, start: number, end: number): ResponseHead | 'bad-head' | null {
  const strings = readTable(source, start + HEAD_TABLE_AT, end, 1 + 2 * MAX_HEAD_LINES, MAX_HEAD_BYTES);
  if (strings === 'bad-head') return strings;
  if (strings === null || strings.length === 0) return null;
  const status = readU16(source, start);
  if (status < 100 || status > MAX_STATUS || !fieldsAreValid(strings, 1) || !isTrimmed(strings[0]!)) return 'bad-head';
  return {
    status,
    rttUs: readU32(source, start + HEAD_RTT_AT),
    serverUs: readU32(source, start + HEAD_SERVER_AT),
    queueUs: readU32(source, start + HEAD_QUEUE_AT),
    clientUs: readU32(source, start + HEAD_CLIENT_AT),
    slotUs: readU32(source, start + HEAD_SLOT_AT),
    uploadUs: readU32(source, start + HEAD_UPLOAD_AT),
    backendUs: readU32(source, start + HEAD_BACKEND_AT),
    strings,
  };
}

/** What the relay knows and the client cannot: filled in place in the passing frame. */
export function fillHead(frame: Buffer, start: number, addRttUs: number, serverUs: number, queueUs: number): void {
  writeU32(frame, start + HEAD_RTT_AT, saturate(readU32(frame, start + HEAD_RTT_AT) + addRttUs));
  writeU32(frame, start + HEAD_SERVER_AT, saturate(serverUs));
  writeU32(frame, start + HEAD_QUEUE_AT, saturate(queueUs));
}

/** The backend's share of a passing HEAD: what the choice of link goes by. */
export function readBackendUs(source: Buffer, start: number): number {
  return readU32(source, start + HEAD_BACKEND_AT);
}

/** Trailers of an END; an empty payload has none. Null when torn, `'bad-head'` when not HTTP. */
export function readTrailers(source: Buffer, start: number, end: number): readonly string[] | 'bad-head' | null {
  if (start === end) return NO_FIELDS;
  const strings = readTable(source, start, end, 2 * MAX_HEAD_LINES, MAX_HEAD_BYTES);
  if (strings === null || strings === 'bad-head') return strings;
  return fieldsAreValid(strings, 0) ? strings : 'bad-head';
}

export const NO_FIELDS: readonly string[] = Object.freeze([]);

/** Into a u32 field: whole microseconds, negatives 0, what does not fit the largest value. */
function saturate(value: number): number {
  return value > 0xffff_ffff ? 0xffff_ffff : value > 0 ? Math.round(value) : 0;
}
