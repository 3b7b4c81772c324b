/**
 * What waits to leave on a link, when it may not leave at once: deficit round-robin by bytes over sessions, then over
 * a session's streams (Shreedhar and Varghese, "Efficient Fair Queuing Using Deficit Round Robin", SIGCOMM 1995). One
 * stream's frames keep their order. Its limit is credit: a stream queues at most a window, and a head or two.
 */
import { HEADER_BYTES, Kind, readU32, writeHeader } from './wire.ts';

const QUANTUM_BYTES = 16_384;
/** Room for small DATA frames that wait behind each other: they are merged, so that 1-byte frames cost 1 byte. */
const MERGE_BYTES = 4_096;

const NO_FRAMES: Buffer[] = [];

/** The queued frames of one stream. A leg extends this: no object more per stream. */
export class FrameQueue {
  /** Fairness is by session first. */
  readonly session: string;
  /** Its limit is the stream's credit. Shared while empty: most streams never queue. */
  frames: Buffer[] = NO_FRAMES;
  queuedBytes = 0;
  deficit = 0;
  /** Bytes used of the last frame's buffer while more may be merged into it; 0 when not. */
  mergeAt = 0;

  constructor(session: string) {
    this.session = session;
  }
}

interface SessionRing {
  readonly session: string;
  readonly streams: FrameQueue[];
  deficit: number;
}

export class FairQueue {
  bytes = 0;
  /** Whose frame `pop` returned last. */
  popped: FrameQueue | null = null;
  readonly #rings: SessionRing[] = [];
  readonly #bySession = new Map<string, SessionRing>();

  /** Takes `frame` over: whole, header included. */
  push(stream: FrameQueue, frame: Buffer): void {
    seal(stream);
    this.#append(stream, frame, frame.length);
  }

  /** Copies a small DATA frame, behind the last one's bytes where there is room. */
  pushData(stream: FrameQueue, source: Buffer, start: number, end: number): void {
    const tail = stream.frames.at(-1);
    const payloadBytes = end - start - HEADER_BYTES;
    if (tail !== undefined && stream.mergeAt > 0 && stream.mergeAt + payloadBytes <= tail.length) {
      source.copy(tail, stream.mergeAt, start + HEADER_BYTES, end);
      stream.mergeAt += payloadBytes;
      stream.queuedBytes += payloadBytes;
      this.bytes += payloadBytes;
      return;
    }
    seal(stream);
    const room = Buffer.allocUnsafe(Math.max(MERGE_BYTES, end - start));
    source.copy(room, 0, start, end);
    this.#append(stream, room, end - start);
    stream.mergeAt = end - start;
  }

  /** The next frame, and whose it is in `popped`; undefined when nothing waits. */
  pop(): Buffer | undefined {
    for (;;) {
      const ring = this.#rings[0];
      if (ring === undefined) return undefined;
      if (ring.deficit <= 0) {
        ring.deficit += QUANTUM_BYTES;
        rotate(this.#rings);
        continue;
      }
      const stream = ring.streams[0]!;
      if (stream.deficit <= 0) {
        stream.deficit += QUANTUM_BYTES;
        rotate(ring.streams);
        continue;
      }
      return this.#take(ring, stream);
    }
  }

  /** Every stream that has something waiting. */
  streams(): FrameQueue[] {
    return this.#rings.flatMap((ring) => ring.streams);
  }

  /** Forgets all that waits for `stream`. */
  drop(stream: FrameQueue): void {
    if (stream.frames.length === 0) return;
    this.bytes -= stream.queuedBytes;
    stream.frames = NO_FRAMES;
    stream.queuedBytes = 0;
    stream.mergeAt = 0;
    const ring = this.#bySession.get(stream.session)!;
    ring.streams.splice(ring.streams.indexOf(stream), 1);
    if (ring.streams.length === 0) this.#forget(ring);
  }

  #append(stream: FrameQueue, frame: Buffer, usedBytes: number): void {
    if (stream.frames.length === 0) this.#ringOf(stream.session).streams.push(stream);
    if (stream.frames === NO_FRAMES) stream.frames = [];
    stream.frames.push(frame);
    stream.queuedBytes += usedBytes;
    this.bytes += usedBytes;
  }

  #take(ring: SessionRing, stream: FrameQueue): Buffer {
    if (stream.frames.length === 1) seal(stream);
    const frame = stream.frames.shift()!;
    if (stream.frames.length === 0) {
      ring.streams.shift();
      if (ring.streams.length === 0) this.#forget(ring);
    }
    stream.deficit -= frame.length;
    ring.deficit -= frame.length;
    stream.queuedBytes -= frame.length;
    this.bytes -= frame.length;
    this.popped = stream;
    return frame;
  }

  #ringOf(session: string): SessionRing {
    let ring = this.#bySession.get(session);
    if (ring === undefined) {
      ring = { session, streams: [], deficit: 0 };
      this.#bySession.set(session, ring);
      this.#rings.push(ring);
    }
    return ring;
  }

  #forget(ring: SessionRing): void {
    this.#bySession.delete(ring.session);
    this.#rings.splice(this.#rings.indexOf(ring), 1);
  }
}

/** Ends merging into the last frame: its length becomes what was put into it. */
function seal(stream: FrameQueue): void {
  if (stream.mergeAt === 0) return;
  const index = stream.frames.length - 1;
  const frame = stream.frames[index]!.subarray(0, stream.mergeAt);
  writeHeader(frame, 0, stream.mergeAt - HEADER_BYTES, Kind.DATA, readU32(frame, 4));
  stream.frames[index] = frame;
  stream.mergeAt = 0;
}

function rotate(list: unknown[]): void {
  if (list.length > 1) list.push(list.shift());
}
