/**
 * The sketch's wire: a message is a row of frames; a frame is u32 length of what follows, u32 id, u16 head bytes, head,
 * body (little endian). Head, latin-1, parts separated by a line feed: `GET`, `/path`, then names and values; in answers
 * the status comes first. All frames of an event-loop turn go out as one message, in one write.
 */
import type { WebSocket } from 'ws';

/** A slab is filled once and left to the collector, since the socket may still hold what was sent from it. */
const SLAB_BYTES = 256 * 1024;
export const FRAME_HEAD_BYTES = 10;

export type OnFrame = (bytes: Buffer, at: number, end: number) => void;

export class Link {
  readonly #socket: WebSocket;
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #sent = 0;
  #end = 0;
  readonly #flush = (): void => {
    this.#socket.send(this.#slab.subarray(this.#sent, this.#end));
    this.#sent = this.#end;
  };

  constructor(socket: WebSocket, onFrame: OnFrame) {
    this.#socket = socket;
    socket.on('close', () => process.exit(1));
    socket.on('message', (bytes: Buffer) => {
      for (let at = 0; at < bytes.length;) {
        const end = at + 4 + bytes.readUInt32LE(at);
        onFrame(bytes, at, end);
        at = end;
      }
    });
  }

  /** Queues a frame made of a head (latin-1) and a body. */
  send(id: number, head: string, body: Buffer): void {
    const at = this.#reserve(FRAME_HEAD_BYTES + head.length + body.length);
    const slab = this.#slab;
    slab.writeUInt32LE(FRAME_HEAD_BYTES - 4 + head.length + body.length, at);
    slab.writeUInt32LE(id, at + 4);
    slab.writeUInt16LE(head.length, at + 8);
    slab.write(head, at + FRAME_HEAD_BYTES, 'latin1');
    body.copy(slab, at + FRAME_HEAD_BYTES + head.length);
  }

  /** Queues a frame that came from another link, under another id. */
  relay(id: number, bytes: Buffer, from: number, to: number): void {
    const at = this.#reserve(to - from);
    bytes.copy(this.#slab, at, from, to);
    this.#slab.writeUInt32LE(id, at + 4);
  }

  #reserve(frameBytes: number): number {
    if (this.#end === this.#sent) setImmediate(this.#flush);
    if (this.#end + frameBytes > this.#slab.length) {
      if (this.#end > this.#sent) this.#socket.send(this.#slab.subarray(this.#sent, this.#end));
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, frameBytes));
      this.#sent = this.#end = 0;
    }
    const at = this.#end;
    this.#end += frameBytes;
    return at;
  }
}

/** Ids are small and used again: the index into an array. */
export class Table<Value> {
  readonly #values: Value[] = [];
  readonly #free: number[] = [];

  add(value: Value): number {
    const id = this.#free.pop() ?? this.#values.length;
    this.#values[id] = value;
    return id;
  }

  take(id: number): Value {
    this.#free.push(id);
    return this.#values[id] as Value;
  }
}
