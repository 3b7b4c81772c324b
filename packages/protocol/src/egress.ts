/**
 * What leaves on a link. All frames of an event-loop turn go to the transport in one call (system calls are most of
 * the cost of a small request). While nothing waits, a frame is written straight into the turn's slab; when the
 * transport or the peer is behind, frames wait in the fair queue, where order can still be chosen.
 */
import { Acks } from './acks.ts';
import type { Clock } from './clock.ts';
import { FairQueue } from './fair-queue.ts';
import type { Leg } from './leg.ts';
import type { Transport } from './transport.ts';
import { HEADER_BYTES, Kind, rewriteId, writeHeader, writeU32 } from './wire.ts';

/**
 * Bytes in the transport's hands at a time: a stalled peer's kernel swallows 4 MB before `ws` shows any. Asked before a
 * frame is added, so with the one that reaches it, and what a turn grants, it is more.
 */
export const HANDED_LIMIT_BYTES = 128 * 1024;
/** Frames under this are copied together; larger ones go as their own message without a copy. */
const SMALL_BYTES = 4_096;
const SLAB_BYTES = 64 * 1024;
const NO_SLAB = Buffer.alloc(0);
/** Answers to a peer that sends and does not read (PONG, CANARY, RESET, SLOTS) beyond this are a flood. */
export const URGENT_LIMIT_BYTES = 256 * 1024;

export class Egress {
  readonly acks = new Acks();
  readonly waiting = new FairQueue();
  /** Where to write what `reserve` made room for. */
  target: Buffer = NO_SLAB;
  urgentBytes = 0;
  /** Bytes that waited as `urgentBytes` and went on to the transport, since the link began. */
  urgentLeftBytes = 0;
  /** Of those that wait, answers that the peer made us queue. */
  answerBytes = 0;
  /**
   * Its limit: of answers URGENT_LIMIT_BYTES, beyond which the link closes the peer as a flood. The relay sends no
   * SESSIONS while those before wait here; a GOAWAY is sent once.
   */
  readonly #urgent: Buffer[] = [];
  readonly #transport: Transport;
  readonly #clock: Clock;
  /** Gives a stream its id as its OPEN leaves: ids must rise on the wire, whatever order the queue chose. */
  readonly #depart: (leg: Leg) => void;
  /** Legs with credit to say. Its limit: one entry a stream. */
  #grants: Leg[] = [];
  #batch: Buffer[] = [];
  #batchBytes = 0;
  /** Made with the first bytes: most links are idle. */
  #slab: Buffer = NO_SLAB;
  #slabStart = 0;
  #slabEnd = 0;
  #handedBytes = 0;
  #flushDue = false;
  #closed = false;

  constructor(transport: Transport, clock: Clock, depart: (leg: Leg) => void) {
    this.#transport = transport;
    this.#clock = clock;
    this.#depart = depart;
  }

  /** Bytes accepted that the transport does not hold yet. */
  get queuedBytes(): number {
    return this.waiting.bytes + this.urgentBytes + this.#batchBytes;
  }

  /**
   * Room for a frame of `length` payload bytes under SMALL_BYTES or not, its header written; the caller fills
   * `target` from the returned offset before anything else is sent. `leg` null: a frame that overtakes.
   */
  reserve(leg: Leg | null, kind: number, id: number, length: number): number {
    const size = HEADER_BYTES + length;
    this.#scheduleFlush();
    if (size >= SMALL_BYTES || !this.#isOpen()) {
      this.target = Buffer.allocUnsafe(size);
      writeHeader(this.target, 0, length, kind, id);
      this.#enqueue(leg, this.target);
      return HEADER_BYTES;
    }
    if (leg !== null && leg.id === 0) {
      this.#depart(leg);
      id = leg.id;
    }
    const at = this.#slabRoom(size);
    this.target = this.#slab;
    writeHeader(this.target, at, length, kind, id);
    return at + HEADER_BYTES;
  }

  /** Sends the frame at `[start, end)` of `source` (owned from now on) in `leg`'s order; sets its id. */
  forward(leg: Leg, kind: number, source: Buffer, start: number, end: number): void {
    const size = end - start;
    if (this.#isOpen()) {
      if (leg.id === 0) this.#depart(leg);
      rewriteId(source, start, leg.id);
      if (size < SMALL_BYTES) this.#copyToSlab(source, start, end);
      else this.#addMessage(size === source.length ? source : source.subarray(start, end));
    } else if (size >= SMALL_BYTES) {
      this.waiting.push(leg, size === source.length ? source : source.subarray(start, end));
    } else if (kind === Kind.DATA) {
      this.waiting.pushData(leg, source, start, end);
    } else {
      // A copy: a view would keep the whole received chunk alive while a few bytes wait.
      this.waiting.push(leg, Buffer.from(source.subarray(start, end)));
    }
    this.#scheduleFlush();
  }

  /** `leg` has credit to say; it is said once, as this turn's bytes leave. */
  grantLater(leg: Leg): void {
    this.#grants.push(leg);
    this.#scheduleFlush();
  }

  drop(leg: Leg): void {
    this.waiting.drop(leg);
  }

  onSent(bytes: number): void {
    this.#handedBytes -= bytes;
    if (this.#handedBytes === 0 && this.#transport.isDoneWhenSent) this.#rewindSlab();
    if (this.#hasWaiting()) this.flush();
  }

  /** Call after a PONG was taken in. */
  onAcked(): void {
    if (this.#hasWaiting() || this.acks.wantsPing()) this.flush();
  }

  readonly flush = (): void => {
    this.#flushDue = false;
    if (this.#closed) return;
    if (this.#grants.length > 0 && this.#handedRoom()) this.#writeGrants();
    this.#fill();
    if (this.acks.wantsPing()) this.writePing();
    this.#closeSlab();
    if (this.#batch.length === 0) return;
    const messages = this.#batch;
    const bytes = this.#batchBytes;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#handedBytes += bytes;
    this.acks.sent(bytes);
    this.#transport.send(messages, bytes);
  };

  /** Puts a PING into this turn's batch whatever waits. */
  writePing(): void {
    const at = this.#slabRoom(HEADER_BYTES + 4);
    writeHeader(this.#slab, at, 4, Kind.PING, 0);
    this.#slab.writeUInt32BE(this.acks.ping(this.#clock.nowMs()), at + HEADER_BYTES);
    this.#scheduleFlush();
  }

  /** Forgets all that waits, also of streams that are over for their owners already. */
  close(): void {
    this.#closed = true;
    for (const stream of this.waiting.streams()) this.waiting.drop(stream);
    this.#urgent.length = 0;
    this.urgentBytes = 0;
    this.answerBytes = 0;
    this.#grants = [];
    this.#batch = [];
    this.#batchBytes = 0;
  }

  /** A frame each, before whatever waits: credit that is late is a stream that stands still. */
  #writeGrants(): void {
    const grants = this.#grants;
    this.#grants = [];
    for (const leg of grants) {
      // Its OPEN still waits: there is no id yet to say it of.
      if (leg.id === 0 && !leg.isOver) {
        this.#grants.push(leg);
        continue;
      }
      const bytes = leg.takeGrant();
      if (bytes === 0) continue;
      const at = this.#slabRoom(HEADER_BYTES + 4);
      writeHeader(this.#slab, at, 4, Kind.CREDIT, leg.id);
      writeU32(this.#slab, at + HEADER_BYTES, bytes);
    }
  }

  #enqueue(leg: Leg | null, frame: Buffer): void {
    if (leg !== null) {
      this.waiting.push(leg, frame);
      return;
    }
    this.#urgent.push(frame);
    this.urgentBytes += frame.length;
    if (isAnswer(frame)) this.answerBytes += frame.length;
  }

  #hasWaiting(): boolean {
    return this.#urgent.length > 0 || this.waiting.bytes > 0 || this.#grants.length > 0;
  }

  #isOpen(): boolean {
    return (
      this.#urgent.length === 0 && this.waiting.bytes === 0 && this.#handedRoom() && this.acks.allows(this.#batchBytes)
    );
  }

  #handedRoom(): boolean {
    return this.#handedBytes + this.#batchBytes < HANDED_LIMIT_BYTES;
  }

  /** Moves what may leave now from the queues into the batch: first what overtakes. */
  #fill(): void {
    while (this.#urgent.length > 0 && this.#handedRoom()) {
      const frame = this.#urgent.shift()!;
      this.urgentBytes -= frame.length;
      this.urgentLeftBytes += frame.length;
      if (isAnswer(frame)) this.answerBytes -= frame.length;
      this.#add(frame);
    }
    while (this.waiting.bytes > 0 && this.#handedRoom() && this.acks.allows(this.#batchBytes)) {
      const frame = this.waiting.pop()!;
      const leg = this.waiting.popped as Leg;
      if (leg.id === 0) this.#depart(leg);
      if (leg.isOver && leg.frames.length === 0) leg.link.forget(leg);
      rewriteId(frame, 0, leg.id);
      this.#add(frame);
    }
  }

  #add(frame: Buffer): void {
    if (frame.length < SMALL_BYTES) this.#copyToSlab(frame, 0, frame.length);
    else this.#addMessage(frame);
  }

  #copyToSlab(source: Buffer, start: number, end: number): void {
    const at = this.#slabRoom(end - start);
    source.copy(this.#slab, at, start, end);
  }

  /** All that was in the slab is out: from its beginning again, instead of a new one every 64 KiB. */
  #rewindSlab(): void {
    if (this.#slabEnd > this.#slabStart || this.#batch.length > 0) return;
    this.#slabStart = 0;
    this.#slabEnd = 0;
  }

  /** Room in the slab at the end of this turn's bytes. What the transport may still read is not written again. */
  #slabRoom(size: number): number {
    if (this.#slabEnd + size > this.#slab.length) {
      this.#closeSlab();
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#slabStart = 0;
      this.#slabEnd = 0;
    }
    const at = this.#slabEnd;
    this.#slabEnd += size;
    this.#batchBytes += size;
    return at;
  }

  #closeSlab(): void {
    if (this.#slabEnd === this.#slabStart) return;
    this.#batch.push(this.#slab.subarray(this.#slabStart, this.#slabEnd));
    this.#slabStart = this.#slabEnd;
  }

  #addMessage(frame: Buffer): void {
    this.#closeSlab();
    this.#batch.push(frame);
    this.#batchBytes += frame.length;
  }

  #scheduleFlush(): void {
    if (this.#flushDue || this.#closed) return;
    this.#flushDue = true;
    this.#clock.endOfTurn(this.flush);
  }
}

function isAnswer(frame: Buffer): boolean {
  const kind = frame[3];
  return kind === Kind.PONG || kind === Kind.CANARY || kind === Kind.RESET || kind === Kind.SLOTS;
}
