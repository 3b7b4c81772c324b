/** Two ends of a WebSocket in a test's own hands, frame by frame. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { RawBackend } from '../harness/raw-backend.ts';
import { valuesOf } from '../harness/wire.ts';
import type { Wire } from '../harness/wire.ts';

export interface Frame {
  readonly opcode: number;
  readonly isFinal: boolean;
  /** Not masked any more. */
  readonly payload: string;
}

/** RFC 6455 §1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** So that what is read of a large message never piles up. */
const PIECE_BYTES = 65_536;

export const ASK_WEBSOCKET =
  'GET /session/demo/chat HTTP/1.1\r\nHost: visited.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`;

export function switchToWebSocket(key: string): string {
  const accept = createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64');
  return (
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`
  );
}

/** `visitor` has asked; the backend's end, which has agreed and sent `behind` in one piece with that. */
export async function agree(
  visitor: Wire,
  backend: Pick<RawBackend, 'accept'>,
  behind: string | Buffer = '',
): Promise<Wire> {
  const far = await backend.accept();
  const { fields } = await far.readHead();
  const [key = ''] = valuesOf(fields, 'sec-websocket-key');
  far.send(Buffer.concat([Buffer.from(switchToWebSocket(key)), Buffer.from(behind)]));
  const { first, fields: answered } = await visitor.readHead();
  assert.equal(first, 'HTTP/1.1 101 Switching Protocols');
  assert.deepEqual(valuesOf(answered, 'upgrade'), ['websocket']);
  assert.deepEqual(valuesOf(answered, 'sec-websocket-accept'), ['s3pPLMBiTxaQ9kYGzzhZRbK+xOo=']);
  return far;
}

/** One frame of less than 64 KiB. */
export async function readFrame(wire: Wire): Promise<Frame> {
  const [first, second] = [...(await wire.read(2))] as [number, number];
  const short = second & 0x7f;
  const size = short === 126 ? (await wire.read(2)).readUInt16BE() : short;
  const mask = (second & 0x80) === 0 ? Buffer.alloc(4) : await wire.read(4);
  const payload = size === 0 ? Buffer.alloc(0) : await wire.read(size);
  const text = payload.map((byte, i) => byte ^ mask[i % 4]!);
  return { opcode: first & 0x0f, isFinal: (first & 0x80) !== 0, payload: Buffer.from(text).toString('latin1') };
}

/** The next bytes are these. */
export async function assertArrives(wire: Wire, bytes: Buffer, what: string): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    assert((await wire.read(piece.length)).equals(piece), `${what}, from byte ${at}`);
  }
}
