/** WebSocket frames as a test writes them (RFC 6455 §5.2). */

export const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

const MASK = Buffer.from([1, 2, 3, 4]);

export function frame(opcode: Opcode, payload: Buffer, { isFinal = true, isMasked = false } = {}): Buffer {
  const first = (isFinal ? 0x80 : 0) | opcode;
  const mask = isMasked ? 0x80 : 0;
  const length = lengthBytes(payload.length);
  length[0]! |= mask;
  const body = isMasked ? payload.map((byte, i) => byte ^ MASK[i % 4]!) : payload;
  return Buffer.concat([Buffer.from([first]), length, ...(isMasked ? [MASK] : []), body]);
}

function lengthBytes(size: number): Buffer {
  if (size < 126) return Buffer.from([size]);
  if (size < 65_536) return Buffer.from([126, size >> 8, size & 0xff]);
  const bytes = Buffer.alloc(9);
  bytes[0] = 127;
  bytes.writeBigUInt64BE(BigInt(size), 1);
  return bytes;
}
