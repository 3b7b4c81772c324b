/** Constants and the frame header of PROTOCOL.md: names, sizes and limits, with no behaviour. */

export const PROTOCOL_VERSION = 1;
export const PROTOCOL_VERSION_MIN = 1;
export const SUBPROTOCOL = 'sallyport';
export const LINK_PATH = '/link';

/** Bytes before a frame's payload: length u24, kind u8, stream id u32. */
export const HEADER_BYTES = 8;
/** The credit that each direction of a stream begins with (W0). */
export const INITIAL_WINDOW_BYTES = 16_384;
export const MAX_WINDOW_BYTES = 8 * 1024 * 1024;
export const MAX_DATA_BYTES = 16_384;
export const MAX_HEAD_BYTES = 65_536;
export const MAX_HEAD_LINES = 1_000;
export const MAX_INFORMATIONAL_HEADS = 16;
/** OPEN, HEAD, END: fixed fields and the length table come on top of MAX_HEAD_BYTES of text. */
export const MAX_HEAD_PAYLOAD_BYTES = MAX_HEAD_BYTES + 6_144;
export const MAX_LINK_PAYLOAD_BYTES = 65_536;
export const MAX_MESSAGE_BYTES = 160 * 1024;
export const MAX_STREAM_ID = 0xffff_ffff;

/** Top bit of the kind byte: nothing follows in this direction (OPEN and HEAD only). */
export const LAST = 0x80;

export const Kind = {
  HELLO: 0x01,
  PING: 0x02,
  PONG: 0x03,
  SLOTS: 0x04,
  SESSIONS: 0x05,
  GOAWAY: 0x06,
  CANARY: 0x07,
  OPEN: 0x10,
  HEAD: 0x11,
  DATA: 0x12,
  END: 0x13,
  ABORT: 0x14,
  RESET: 0x15,
  CREDIT: 0x16,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** Kinds below this number belong to the link (stream id 0), the others to a stream. */
export const FIRST_STREAM_KIND = 0x10;

export const Role = { ENTRY: 1, SERVER: 2, CLIENT: 3 } as const;
export type Role = (typeof Role)[keyof typeof Role];

interface PayloadLimits {
  readonly minBytes: number;
  readonly maxBytes: number;
}

const LIMITS: readonly (PayloadLimits | undefined)[] = (() => {
  const table: (PayloadLimits | undefined)[] = Array.from({ length: 0x20 });
  const set = (kind: Kind, minBytes: number, maxBytes: number) => {
    table[kind] = { minBytes, maxBytes };
  };
  set(Kind.HELLO, 22, 2_048);
  set(Kind.PING, 4, 4);
  set(Kind.PONG, 8, 8);
  set(Kind.SLOTS, 12, 12);
  set(Kind.SESSIONS, 3, MAX_LINK_PAYLOAD_BYTES);
  set(Kind.GOAWAY, 6, 6);
  set(Kind.CANARY, 5, 5);
  set(Kind.OPEN, 9, MAX_HEAD_PAYLOAD_BYTES);
  set(Kind.HEAD, 32, MAX_HEAD_PAYLOAD_BYTES);
  set(Kind.DATA, 1, MAX_DATA_BYTES);
  set(Kind.END, 0, MAX_HEAD_PAYLOAD_BYTES);
  set(Kind.ABORT, 2, 2);
  set(Kind.RESET, 3, 3);
  set(Kind.CREDIT, 4, 4);
  return table;
})();

/** Whether `length` bytes of payload are possible for `kind`; false also for a kind that does not exist. */
export function payloadLengthFits(kind: number, length: number): boolean {
  const limits = LIMITS[kind];
  return limits !== undefined && length >= limits.minBytes && length <= limits.maxBytes;
}

/** Writes the 8 header bytes at `at`. `kind` may carry LAST. */
export function writeHeader(target: Buffer, at: number, length: number, kind: number, id: number): void {
  target[at] = length >>> 16;
  target[at + 1] = length >>> 8;
  target[at + 2] = length;
  target[at + 3] = kind;
  writeU32(target, at + 4, id);
}

/** The relay's whole work on a frame: another link, another id, the same bytes. */
export function rewriteId(frame: Buffer, at: number, id: number): void {
  writeU32(frame, at + 4, id);
}

// Plain byte arithmetic: Buffer's own readers check their arguments, which shows at a million frames a second.
export function writeU32(target: Buffer, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

export function readU32(source: Buffer, at: number): number {
  return ((source[at]! << 24) | (source[at + 1]! << 16) | (source[at + 2]! << 8) | source[at + 3]!) >>> 0;
}

export function writeU16(target: Buffer, at: number, value: number): void {
  target[at] = value >>> 8;
  target[at + 1] = value;
}

export function readU16(source: Buffer, at: number): number {
  return (source[at]! << 8) | source[at + 1]!;
}

export function readU24(source: Buffer, at: number): number {
  return (source[at]! << 16) | (source[at + 1]! << 8) | source[at + 2]!;
}
