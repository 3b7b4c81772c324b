/** A transport that keeps what a link sends, and lets a test speak as the other side, in raw bytes. */
import type { Transport, TransportHandler } from '../transport.ts';
import { parseFrames } from './frames.ts';
import type { RawFrame } from './frames.ts';

export class Tape implements Transport {
  handler: TransportHandler | null = null;
  /** One entry per call of `send`. */
  readonly sends: Buffer[][] = [];
  /** Sent, and not yet confirmed by `confirm`. */
  handedBytes = 0;
  /** Every byte that was ever sent. */
  sentBytes = 0;
  closed: { code: number; reason: string } | null = null;
  isDestroyed = false;
  #read = 0;

  send(messages: Buffer[], bytes: number): void {
    this.sends.push(messages);
    this.handedBytes += bytes;
    this.sentBytes += bytes;
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  /** Frames sent since the last call. */
  frames(): RawFrame[] {
    const unread = this.sends.slice(this.#read);
    this.#read = this.sends.length;
    return unread.flat().flatMap((message) => parseFrames(message));
  }

  /** All that was handed over has left. */
  confirm(): void {
    const bytes = this.handedBytes;
    this.handedBytes = 0;
    this.handler?.onSent(bytes);
  }

  /** One message from the other side. */
  give(...frames: Buffer[]): void {
    this.handler?.onMessage(Buffer.concat(frames));
  }
}
