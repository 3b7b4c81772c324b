/** A backend's end of HTTP/2, frame by frame (RFC 9113 §4, §6), so that a test can say what no library would. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { listenRaw } from './raw-backend.ts';
import type { RawBackend, Wire } from './raw-backend.ts';
import type { TestContext } from 'node:test';

export const Frame = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
} as const;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const HEADER_BYTES = 9;
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export interface HeardFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** What is needed of a connection. */
export interface FrameWire {
  readonly socket: Pick<Socket, 'write'>;
  /** What comes up to and with `text`. */
  hear(text: string): Promise<string>;
  hearBytes(length: number): Promise<string>;
}

export class Http2Peer<W extends FrameWire = Wire> {
  readonly wire: W;

  constructor(wire: W) {
    this.wire = wire;
  }

  /** Reads the preface, and says what is allowed: pairs of a setting's number and its value. */
  async begin(...settings: readonly (readonly [number, number])[]): Promise<void> {
    assert.equal(await this.wire.hear('SM\r\n\r\n'), PREFACE);
    const pairs = settings.map(([id, value]) => Buffer.from([id >>> 8, id, ...u32(value)]));
    this.say(Frame.SETTINGS, 0, 0, Buffer.concat(pairs));
  }

  say(type: number, flags: number, stream: number, payload: Buffer): void {
    const head = Buffer.alloc(HEADER_BYTES);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    this.wire.socket.write(Buffer.concat([head, payload]));
  }

  /** Literal fields without indexing (RFC 7541 §6.2.2), name, value, …; `:status` among them. */
  head(stream: number, fields: readonly string[], isLast = false): void {
    const block = Buffer.concat(fields.map((text, i) => literal(text, i % 2 === 0)));
    this.say(Frame.HEADERS, END_HEADERS | (isLast ? END_STREAM : 0), stream, block);
  }

  data(stream: number, text: string, isLast = false): void {
    this.say(Frame.DATA, isLast ? END_STREAM : 0, stream, Buffer.from(text));
  }

  reset(stream: number, code: number): void {
    this.say(Frame.RST_STREAM, 0, stream, Buffer.from(u32(code)));
  }

  goAway(lastStream: number, code: number): void {
    this.say(Frame.GOAWAY, 0, 0, Buffer.from([...u32(lastStream), ...u32(code)]));
  }

  /** The next frame of this type; those before it are skipped, settings acknowledged. `seen`: types on streams on the way. */
  async hear(type: number, seen: number[] = []): Promise<HeardFrame> {
    for (;;) {
      const head = Buffer.from(await this.wire.hearBytes(HEADER_BYTES), 'latin1');
      const payload = Buffer.from(await this.wire.hearBytes(head.readUIntBE(0, 3)), 'latin1');
      const frame = { type: head[3]!, flags: head[4]!, stream: head.readUInt32BE(5), payload };
      if (frame.type === Frame.SETTINGS && (frame.flags & ACK) === 0) this.say(Frame.SETTINGS, ACK, 0, Buffer.alloc(0));
      if (frame.stream !== 0) seen.push(frame.type);
      if (frame.type === type) return frame;
    }
  }
}

export interface RawHttp2Backend extends RawBackend {
  /** The next connection, begun with these settings. */
  meet(...settings: readonly (readonly [number, number])[]): Promise<Http2Peer>;
}

export async function listenHttp2(t: TestContext): Promise<RawHttp2Backend> {
  const raw = await listenRaw(t);
  const meet = async (...settings: readonly (readonly [number, number])[]) => {
    const peer = new Http2Peer(await raw.accept());
    await peer.begin(...settings);
    return peer;
  };
  return { ...raw, meet };
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

function literal(text: string, isName: boolean): Buffer {
  assert(text.length < 127);
  const bytes = Buffer.from([text.length, ...Buffer.from(text, 'latin1')]);
  return isName ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
}
