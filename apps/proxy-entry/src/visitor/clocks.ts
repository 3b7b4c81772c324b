/** How slow a visitor may be: asked about once a second, so that nothing is timed on the way of a request. Pure. */
import type { Refusal } from './transport.ts';

export const BODY_TOO_SLOW: Refusal = {
  code: 'body-too-slow',
  rule: 'RFC 9110 §15.5.9',
  text: 'the body came slower than its minimum rate',
  status: 408,
};

/** A body against its minimum rate: what comes of it buys time, up to the grace, and waiting for it costs time. */
export class BodyClock {
  #leftMs = 0;
  #askedMs = 0;
  #bytes = 0;

  /** A body is awaited. */
  start(nowMs: number, graceMs: number): void {
    this.#leftMs = graceMs;
    this.#askedMs = nowMs;
    this.#bytes = 0;
  }

  took(bytes: number): void {
    this.#bytes += bytes;
  }

  /** The time since it was asked last costs nothing: the visitor was not waited for, or not by us alone. */
  skip(nowMs: number): void {
    this.#askedMs = nowMs;
  }

  isLate(nowMs: number, minBytesPerS: number, graceMs: number): boolean {
    const boughtMs = (this.#bytes / minBytesPerS) * MS_PER_SECOND;
    this.#leftMs = Math.min(graceMs, this.#leftMs + boughtMs - (nowMs - this.#askedMs));
    this.#askedMs = nowMs;
    this.#bytes = 0;
    return this.#leftMs < 0;
  }
}

/** What is known of the bytes that wait for a visitor. */
export interface Outgoing {
  /** Given to the socket, and not yet wholly taken by the kernel. */
  readonly writableLength: number;
  /** Ever given to the socket. */
  readonly bytesWritten: number;
}

/** An answer whose visitor takes nothing of it, though bytes wait. A quiet answer, of which none wait, is never late. */
export class AnswerClock {
  #sinceMs = 0;
  /** Less than can be: what the first look finds is taken for new. */
  #taken = Number.NEGATIVE_INFINITY;
  #queued = 0;

  /** `queued`: bytes of the write that the kernel is at; of a large one it says how far that got. */
  isLate(nowMs: number, { writableLength, bytesWritten }: Outgoing, queued: number, limitMs: number): boolean {
    const taken = bytesWritten - writableLength;
    const hasMoved = writableLength === 0 || taken !== this.#taken || queued < this.#queued;
    this.#taken = taken;
    this.#queued = queued;
    if (hasMoved) this.#sinceMs = nowMs;
    return nowMs - this.#sinceMs > limitMs;
  }
}

const MS_PER_SECOND = 1_000;
