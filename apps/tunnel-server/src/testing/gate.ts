/** A transport whose sending side can be held up, as by a peer that does not read. */
import type { Transport, TransportHandler } from '@sallyport/protocol';

export class Gate implements Transport {
  readonly #inner: Transport;
  #isShut = false;
  #held: { messages: Buffer[]; bytes: number }[] = [];

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  get handler(): TransportHandler | null {
    return this.#inner.handler;
  }

  set handler(handler: TransportHandler | null) {
    this.#inner.handler = handler;
  }

  send(messages: Buffer[], bytes: number): void {
    if (this.#isShut) this.#held.push({ messages, bytes });
    else this.#inner.send(messages, bytes);
  }

  close(code: number, reason: string): void {
    this.open();
    this.#inner.close(code, reason);
  }

  destroy(): void {
    this.#inner.destroy();
  }

  /** From now on nothing gets through, and nothing is confirmed as sent. */
  shut(): void {
    this.#isShut = true;
  }

  /** What was held goes out, in order. */
  open(): void {
    this.#isShut = false;
    for (const { messages, bytes } of this.#held.splice(0)) this.#inner.send(messages, bytes);
  }
}
