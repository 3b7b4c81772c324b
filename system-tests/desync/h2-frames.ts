/** Frames of HTTP/2 by hand (RFC 9113 §4, §6), and header blocks of literals alone (RFC 7541 §6.2.2). */
import type { Line } from './rfc9112.ts';

export const Frame = { DATA: 0, HEADERS: 1, RST_STREAM: 3, SETTINGS: 4, PING: 6, GOAWAY: 7, CONTINUATION: 9 } as const;
export const Flag = { END_STREAM: 1, ACK: 1, END_HEADERS: 4 } as const;

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const HEAD_BYTES = 9;
const LONGEST_PREFIX = 127;

export interface ReadFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The frame at `at`; null while it is not whole. */
export function readFrame(bytes: Buffer, at: number): { frame: ReadFrame; next: number } | null {
  if (bytes.length < at + HEAD_BYTES) return null;
  const next = at + HEAD_BYTES + bytes.readUIntBE(at, 3);
  if (bytes.length < next) return null;
  const stream = bytes.readUInt32BE(at + 5) & 0x7f_ff_ff_ff;
  const payload = bytes.subarray(at + HEAD_BYTES, next);
  return { frame: { type: bytes[at + 3]!, flags: bytes[at + 4]!, stream, payload }, next };
}

/** A header block in which nothing is compressed, so that any byte can be in it. */
export function headerBlock(lines: readonly Line[]): Buffer {
  return Buffer.concat(lines.flatMap(([name, value]) => [Buffer.of(0), ...literal(name), ...literal(value)]));
}

/** RFC 7541 §5.1, §5.2. */
function literal(text: string): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < LONGEST_PREFIX) return [Buffer.of(bytes.length), bytes];
  const length = [LONGEST_PREFIX];
  let left = bytes.length - LONGEST_PREFIX;
  for (; left >= 0x80; left >>= 7) length.push((left & 0x7f) | 0x80);
  return [Buffer.from([...length, left]), bytes];
}
