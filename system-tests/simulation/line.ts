/**
 * A line between two processes on a virtual clock: messages arrive in order, late, torn apart in time, or not at all.
 * What a real transport may do to a message that it was given, this one does.
 */
import type { Clock, Timer, Transport, TransportHandler } from '@sallyport/protocol';
import type { Random } from '../../packages/protocol/src/testing/random.ts';

export interface LineTraits {
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly bytesPerMs: number;
  /** Messages of one send arrive in different turns. */
  readonly isTorn: boolean;
  /** Bytes are out of our hands at once, as in a socket's buffer, not when they arrive. */
  readonly isBuffered: boolean;
  /** The far side reads a copy, and what was sent is overwritten, then free to be used again. */
  readonly isCopied: boolean;
}

export interface Traffic {
  /** Messages on all lines that were sent and have not arrived. */
  inFlight: number;
}

interface Parcel {
  readonly message: Buffer | null;
  readonly close: { readonly code: number; readonly reason: string } | null;
  readonly dueMs: number;
}

const ABNORMAL_CLOSE = 1006;
const RECOVERY_MS = 3_000;
/** What is read where nothing may be read any more. */
const POISON = 0xdb;

export class LineEnd implements Transport {
  handler: TransportHandler | null = null;
  other!: LineEnd;
  isClosed = false;
  /** Given to us, and not said to have left. */
  heldBytes = 0;
  /** Nothing arrives here before this. */
  stalledUntilMs = 0;
  readonly #line: Line;
  /** On the way to the other end. Its limit: what the egress hands over. */
  readonly #parcels: Parcel[] = [];
  #timer: Timer | null = null;
  #lastDueMs = 0;

  constructor(line: Line) {
    this.#line = line;
  }

  get isDoneWhenSent(): boolean {
    return this.#line.traits.isCopied;
  }

  send(messages: Buffer[], bytes: number): void {
    if (this.isClosed) return;
    this.heldBytes += bytes;
    const { traits, clock } = this.#line;
    const isCopiedNow = traits.isCopied && traits.isBuffered;
    for (const each of messages) {
      const message = isCopiedNow ? Buffer.from(each) : each;
      this.#put({ message, close: null, dueMs: this.#dueMs(message.length) });
    }
    if (!traits.isBuffered) return;
    clock.after(0, () => {
      if (isCopiedNow) for (const each of messages) each.fill(POISON);
      this.#confirm(bytes);
    });
  }

  close(code: number, reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#put({ message: null, close: { code, reason }, dueMs: this.#dueMs(0) });
  }

  destroy(): void {
    if (this.isClosed) return;
    this.drop();
    this.close(ABNORMAL_CLOSE, '');
  }

  /** Forgets what is on the way. */
  drop(): void {
    this.#line.traffic.inFlight -= this.#parcels.length;
    this.#parcels.length = 0;
    this.#timer?.stop();
    this.#timer = null;
  }

  hearClose(code: number, reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.handler?.onClosed(code, reason);
  }

  #confirm(bytes: number): void {
    this.heldBytes -= bytes;
    if (!this.isClosed) this.handler?.onSent(bytes);
  }

  #dueMs(bytes: number): number {
    const { clock, traits, random } = this.#line;
    const dueMs = clock.nowMs() + traits.delayMs + random.next() * traits.jitterMs;
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs) + bytes / traits.bytesPerMs;
    return this.#lastDueMs;
  }

  #put(parcel: Parcel): void {
    if (this.#line.isCut) return;
    this.#parcels.push(parcel);
    this.#line.traffic.inFlight += 1;
    this.#arm();
  }

  #arm(): void {
    const first = this.#parcels[0];
    if (this.#timer !== null || first === undefined) return;
    const { clock } = this.#line;
    const atMs = Math.max(first.dueMs, this.other.stalledUntilMs);
    this.#timer = clock.after(Math.max(0, atMs - clock.nowMs()), this.#deliver);
  }

  readonly #deliver = (): void => {
    this.#timer = null;
    const { clock, traits } = this.#line;
    const now = clock.nowMs();
    do {
      const first = this.#parcels[0];
      if (first === undefined || now < Math.max(first.dueMs, this.other.stalledUntilMs)) break;
      this.#parcels.shift();
      this.#line.traffic.inFlight -= 1;
      if (first.close !== null) this.other.hearClose(first.close.code, first.close.reason);
      else this.#handOver(first.message!);
    } while (!traits.isTorn);
    this.#arm();
  };

  #handOver(message: Buffer): void {
    const { isCopied, isBuffered } = this.#line.traits;
    const isCopiedNow = isCopied && !isBuffered;
    const { length } = message;
    if (!this.other.isClosed) this.other.handler?.onMessage(isCopiedNow ? Buffer.from(message) : message);
    if (isCopiedNow) message.fill(POISON);
    if (!isBuffered) this.#confirm(length);
  }
}

export class Line {
  readonly a: LineEnd;
  readonly b: LineEnd;
  readonly clock: Clock;
  readonly random: Random;
  readonly traits: LineTraits;
  readonly traffic: Traffic;
  isCut = false;

  constructor(clock: Clock, random: Random, traits: LineTraits, traffic: Traffic) {
    this.clock = clock;
    this.random = random;
    this.traits = traits;
    this.traffic = traffic;
    const [a, b] = [new LineEnd(this), new LineEnd(this)];
    a.other = b;
    b.other = a;
    this.a = a;
    this.b = b;
  }

  /** Nothing arrives, in one direction or both, for a while; nothing is lost. */
  stall(forMs: number): void {
    const now = this.clock.nowMs();
    // Between two stalls something arrives, or they would add up to a line that is lost.
    if (now < Math.max(this.a.stalledUntilMs, this.b.stalledUntilMs) + RECOVERY_MS) return;
    const untilMs = now + forMs;
    const which = this.random.int(3);
    if (which !== 1) this.a.stalledUntilMs = untilMs;
    if (which !== 0) this.b.stalledUntilMs = untilMs;
  }

  /** The line is gone, with what was on it. Each end learns it now, later, or only from the silence. */
  cut(): void {
    if (this.isCut) return;
    this.isCut = true;
    for (const end of [this.a, this.b]) {
      end.drop();
      const toldInMs = this.random.pick([0, 0, this.random.int(3_000), null]);
      if (toldInMs !== null) this.clock.after(toldInMs, () => end.hearClose(ABNORMAL_CLOSE, 'cut'));
    }
  }
}
