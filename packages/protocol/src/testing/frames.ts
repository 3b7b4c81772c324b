/** Frames as raw bytes, made and read without the code under test. */
import assert from 'node:assert/strict';

export interface RawFrame {
  readonly kind: number;
  readonly last: boolean;
  readonly id: number;
  readonly payload: Buffer;
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function rawFrame(kind: number, id: number, ...payload: Buffer[]): Buffer {
  const body = Buffer.concat(payload);
  const header = Buffer.alloc(8);
  header.writeUIntBE(body.length, 0, 3);
  header.writeUInt8(kind, 3);
  header.writeUInt32BE(id, 4);
  return Buffer.concat([header, body]);
}

/** count u16, lengths u16 each, then all text. */
export function rawTable(...strings: string[]): Buffer {
  return Buffer.concat([
    u16(strings.length),
    ...strings.map((text) => u16(text.length)),
    Buffer.from(strings.join(''), 'latin1'),
  ]);
}

export function rawOpen(id: number, session = 's', last = false, ...strings: string[]): Buffer {
  const fields = strings.length > 0 ? strings : ['GET', '/'];
  const fixed = [Buffer.from([0, 1]), u32(0), Buffer.from([session.length]), Buffer.from(session, 'latin1')];
  return rawFrame(last ? 0x90 : 0x10, id, ...fixed, rawTable(...fields));
}

export function rawHead(id: number, status: number, last = false, ...strings: string[]): Buffer {
  const table = rawTable(...(strings.length > 0 ? strings : ['OK']));
  return rawFrame(last ? 0x91 : 0x11, id, u16(status), Buffer.alloc(28), table);
}

export function rawData(id: number, bytes: number): Buffer {
  return rawFrame(0x12, id, Buffer.alloc(bytes, 0x61));
}

export function rawHello(
  role: number,
  changes: { min?: number; max?: number; windowBytes?: number; tail?: Buffer } = {},
): Buffer {
  const fixed = Buffer.from([changes.min ?? 1, changes.max ?? 1, role]);
  const numbers = [u32(0), u32(changes.windowBytes ?? 16_384), u32(5_000), u32(4)];
  const names = Buffer.from([1, 0x69, 1, 0x73, 1, 0x64]);
  return rawFrame(0x01, 0, fixed, ...numbers, names, changes.tail ?? Buffer.alloc(0));
}

/** Every frame of a message; fails when one is torn. */
export function parseFrames(message: Buffer): RawFrame[] {
  const frames: RawFrame[] = [];
  let at = 0;
  while (at < message.length) {
    const end = at + 8 + message.readUIntBE(at, 3);
    assert.ok(end <= message.length, 'a frame spans messages');
    const kindByte = message[at + 3]!;
    frames.push({
      kind: kindByte & 0x7f,
      last: kindByte > 0x7f,
      id: message.readUInt32BE(at + 4),
      payload: message.subarray(at + 8, end),
    });
    at = end;
  }
  return frames;
}
