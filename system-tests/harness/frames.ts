/** Frames written from PROTOCOL.md by hand, so that what is tested does not write its own test. */
export const KIND = { HELLO: 0x01, PING: 0x02, SLOTS: 0x04, OPEN: 0x10, HEAD: 0x11, DATA: 0x12 } as const;
export const ROLE = { entry: 1, server: 2, client: 3 } as const;

export interface HelloFields {
  readonly role: number;
  readonly session?: string;
  readonly minVersion?: number;
  readonly maxVersion?: number;
  readonly windowBytes?: number;
}

/** `length u24, kind u8, stream id u32, payload`. */
export function frame(kind: number, id: number, payload: Buffer, length = payload.length): Buffer {
  const header = Buffer.alloc(8);
  header.writeUIntBE(length, 0, 3);
  header.writeUInt8(kind, 3);
  header.writeUInt32BE(id, 4);
  return Buffer.concat([header, payload]);
}

export function hello(fields: HelloFields): Buffer {
  const { role, session = '', minVersion = 1, maxVersion = 1, windowBytes = 16_384 } = fields;
  const numbers = Buffer.alloc(19);
  numbers.writeUInt8(minVersion, 0);
  numbers.writeUInt8(maxVersion, 1);
  numbers.writeUInt8(role, 2);
  numbers.writeUInt32BE(windowBytes, 7);
  numbers.writeUInt32BE(5_000, 11);
  numbers.writeUInt32BE(10, 15);
  return frame(KIND.HELLO, 0, Buffer.concat([numbers, str8('by hand'), str8(session), str8('local')]));
}

function str8(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);
}
