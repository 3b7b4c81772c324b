/**
 * A link inside one process: what `sallyport up` uses between entry and server. Messages arrive in a later turn of the
 * event loop, as they would from a socket, so that nobody is called back from inside a call of theirs. Bounded by the
 * egress: it hands over at most HANDED_LIMIT_BYTES before `onSent`.
 */
import type { Clock } from './clock.ts';
import type { Transport, TransportHandler } from './transport.ts';

class MemoryTransport implements Transport {
  handler: TransportHandler | null = null;
  other: MemoryTransport | null = null;
  readonly #clock: Clock;
  /** Its limit is the sender's HANDED_LIMIT_BYTES. */
  #inbox: Buffer[] = [];
  #inboxBytes = 0;
  #deliveryDue = false;
  #closing: { code: number; reason: string } | null = null;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  send(messages: Buffer[], bytes: number): void {
    if (!this.#isClosed) this.other?.take(messages, bytes);
  }

  close(code: number, reason: string): void {
    this.#isClosed = true;
    this.other?.takeClose(code, reason);
  }

  destroy(): void {
    this.close(1006, 'destroyed');
  }

  take(messages: Buffer[], bytes: number): void {
    if (this.#inbox.length === 0) this.#inbox = messages;
    else this.#inbox.push(...messages);
    this.#inboxBytes += bytes;
    this.#scheduleDelivery();
  }

  takeClose(code: number, reason: string): void {
    this.#closing ??= { code, reason };
    this.#scheduleDelivery();
  }

  #scheduleDelivery(): void {
    if (this.#deliveryDue) return;
    this.#deliveryDue = true;
    this.#clock.endOfTurn(this.#deliver);
  }

  readonly #deliver = (): void => {
    this.#deliveryDue = false;
    const messages = this.#inbox;
    const bytes = this.#inboxBytes;
    this.#inbox = [];
    this.#inboxBytes = 0;
    for (const message of messages) {
      if (this.#isClosed) return;
      this.handler?.onMessage(message);
    }
    if (bytes > 0) this.other?.handler?.onSent(bytes);
    if (this.#closing !== null && !this.#isClosed && this.#inbox.length === 0) {
      this.#isClosed = true;
      this.handler?.onClosed(this.#closing.code, this.#closing.reason);
    }
  };
}

/** Two ends of one line. */
export function memoryTransportPair(clock: Clock): [Transport, Transport] {
  const a = new MemoryTransport(clock);
  const b = new MemoryTransport(clock);
  a.other = b;
  b.other = a;
  return [a, b];
}
