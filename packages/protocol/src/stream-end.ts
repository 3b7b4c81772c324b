/**
 * A stream where the tunnel ends: bytes in at the pace of credit, bytes out at the pace of whoever takes them. The
 * relay does not use it.
 */
import type { Clock } from './clock.ts';
import { StreamCode } from './codes.ts';
import { ReceiveWindow } from './credit.ts';
import type { WindowBudget } from './credit.ts';
import { readHead, readTrailers } from './heads.ts';
import type { ResponseHead } from './heads.ts';
import type { Leg, LegOwner } from './leg.ts';
import { Phase } from './phases.ts';
import { MAX_DATA_BYTES } from './wire.ts';

export interface StreamHandler {
  /** Openers only: up to 16 informational heads, then the final one. */
  onHead(head: ResponseHead, last: boolean): void;
  /** The chunk is the handler's; it calls `consumed` with its length once it has passed it on. */
  onData(chunk: Buffer): void;
  onEnd(trailers: readonly string[]): void;
  /** Nothing follows. A PROTOCOL cut may be of our own finding. */
  onCut(code: number, notStarted: boolean): void;
  /** All that `write` held back has left; it takes more. */
  onWritable(): void;
  /** Credit came in: from here on the far end has begun to read the body. */
  onCredit(): void;
}

export interface StreamContext {
  readonly clock: Clock;
  readonly budget: WindowBudget;
  readonly maxWindowBytes: number;
}

const NOTHING: Buffer[] = [];

export class StreamEnd implements LegOwner {
  readonly #context: StreamContext;
  readonly #handler: StreamHandler;
  #leg: Leg | null = null;
  #window: ReceiveWindow | null = null;
  #roundTripMs = 0;
  /** Written, but beyond credit. Its limit: the writer stops at the first `false`, so one chunk. */
  #pending: Buffer[] = NOTHING;
  #pendingBytes = 0;
  #endTrailers: readonly string[] | null = null;
  #abortCode: StreamCode | null = null;

  constructor(context: StreamContext, handler: StreamHandler) {
    this.#context = context;
    this.#handler = handler;
  }

  get leg(): Leg | null {
    return this.#leg;
  }

  get isOver(): boolean {
    return this.#leg === null || this.#leg.isOver;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  attach(leg: Leg): void {
    this.#leg = leg;
    leg.owner = this;
  }

  /** The far end's distance, for the growth of our receive window. */
  setRoundTrip(roundTripUs: number): void {
    this.#roundTripMs = roundTripUs / 1_000;
  }

  /** Sends, or keeps what credit does not allow yet. False: wait for `onWritable`. */
  write(chunk: Buffer): boolean {
    if (this.isOver) return true;
    const sent = this.#pending.length > 0 ? 0 : this.#sendUpToCredit(chunk);
    if (sent === chunk.length) return true;
    if (this.#pending === NOTHING) this.#pending = [];
    this.#pending.push(sent === 0 ? chunk : chunk.subarray(sent));
    this.#pendingBytes += chunk.length - sent;
    return false;
  }

  /** Ends our direction, behind what was written. */
  end(trailers: readonly string[]): void {
    if (this.#pending.length > 0) this.#endTrailers = trailers;
    else this.#leg?.end(trailers);
  }

  /** Our source was cut: said behind what was written. */
  abort(code: StreamCode): void {
    if (this.#pending.length > 0) {
      this.#abortCode = code;
      return;
    }
    this.#leg?.abort(code);
    this.#release();
  }

  /** Not wanted, or not possible. */
  reset(code: StreamCode, notStarted = false): void {
    this.#leg?.reset(code, notStarted);
    this.#release();
  }

  /** `bytes` of what `onData` gave have been passed on. */
  consumed(bytes: number): void {
    const leg = this.#leg;
    // Behind END nothing more is granted, and a window that grew now would never be given back.
    if (leg === null || leg.isOver || leg.inPhase === Phase.ENDED) return;
    const { clock, budget, maxWindowBytes } = this.#context;
    const now = clock.nowMs();
    this.#window ??= new ReceiveWindow(budget, maxWindowBytes, now);
    const grantBytes = this.#window.consume(bytes, now, this.#roundTripMs);
    if (grantBytes > 0) leg.grant(grantBytes);
  }

  // ---- from the leg

  onHead(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void {
    const head = readHead(frame, start, end);
    if (head === null || head === 'bad-head') {
      return this.#refuse(leg, head === null ? StreamCode.PROTOCOL : StreamCode.BAD_HEAD);
    }
    this.setRoundTrip(head.rttUs);
    this.#handler.onHead(head, last);
  }

  onData(_leg: Leg, frame: Buffer, start: number, end: number): void {
    this.#handler.onData(frame.subarray(start, end));
  }

  onEnd(leg: Leg, frame: Buffer, start: number, end: number): void {
    const trailers = readTrailers(frame, start, end);
    if (trailers === null || trailers === 'bad-head') {
      return this.#refuse(leg, trailers === null ? StreamCode.PROTOCOL : StreamCode.BAD_HEAD);
    }
    this.#window?.close();
    this.#handler.onEnd(trailers);
  }

  onCut(_leg: Leg, code: number, notStarted: boolean): void {
    this.#release();
    this.#handler.onCut(code, notStarted);
  }

  onCredit(leg: Leg): void {
    this.#handler.onCredit();
    if (this.#pending.length === 0) return;
    this.#drainPending();
    if (this.#pending.length > 0 || leg.isOver) return;
    if (this.#abortCode !== null) this.abort(this.#abortCode);
    else if (this.#endTrailers !== null) leg.end(this.#endTrailers);
    else this.#handler.onWritable();
  }

  #drainPending(): void {
    while (this.#pending.length > 0) {
      const chunk = this.#pending[0]!;
      const sent = this.#sendUpToCredit(chunk);
      this.#pendingBytes -= sent;
      if (sent < chunk.length) {
        this.#pending[0] = chunk.subarray(sent);
        return;
      }
      this.#pending.shift();
    }
  }

  #sendUpToCredit(chunk: Buffer): number {
    const leg = this.#leg!;
    const allowed = Math.min(chunk.length, leg.sendCredit);
    for (let at = 0; at < allowed; at += MAX_DATA_BYTES) leg.data(chunk, at, Math.min(at + MAX_DATA_BYTES, allowed));
    return allowed;
  }

  #refuse(leg: Leg, code: StreamCode): void {
    leg.reset(code, false);
    this.onCut(leg, code, false);
  }

  #release(): void {
    this.#window?.close();
    this.#pending = NOTHING;
    this.#pendingBytes = 0;
  }
}
