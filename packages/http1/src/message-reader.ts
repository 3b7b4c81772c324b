/**
 * Bytes in, one message out. What requests and answers have in common:
 *
 *   HEAD ──head──▶ BODY ──last chunk──▶ TRAILERS ──▶ DONE ──next()──▶ HEAD
 *     └──no body──▶ DONE      └──length──▶ DONE        any ──▶ FAILED · STOPPED      101 ──▶ RAW
 */
import { Chunks } from './chunks.ts';
import { Framing, HeadFacts } from './facts.ts';
import { Faults } from './fault.ts';
import type { Fault } from './fault.ts';
import { FieldScanner, INCOMPLETE, REFUSED } from './field-scanner.ts';
import type { FieldSink } from './field-scanner.ts';
import type { ReadLimits } from './limits.ts';

export const Phase = { HEAD: 0, BODY: 1, TRAILERS: 2, DONE: 3, RAW: 4, FAILED: 5, STOPPED: 6 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Called from within `read`; the reader may be stopped from there. */
export interface MessageHandler {
  /** The head is in the reader's fields. */
  onHead(): void;
  /** A piece of the body: a view of the bytes that were read, in which small chunks are moved together. */
  onBody(chunk: Buffer): void;
}

export const NO_FIELDS: string[] = [];
const NO_BYTES = Buffer.alloc(0);
/** Of a head, and of a trailer section that has a line. */
const SECTION_END = Buffer.from('\r\n\r\n');
const FIRST_CARRY_BYTES = 1_024;
/** Chunks up to this size are given together, as far as they came together: a thousand of one byte are one piece. */
const JOINED_CHUNK_BYTES = 4_096;
/** A trailer changes nothing about the message; which of them may go on is for whoever passes them on. */
const NO_FACTS: FieldSink = { note: () => {} };

/** One for all readers, see there. */
export const scanner = new FieldScanner();

export abstract class MessageReader {
  phase: Phase = Phase.HEAD;
  /** Why it is FAILED. */
  fault: Fault | null = null;
  /** 0 or 1: of HTTP/1.0 or HTTP/1.1. */
  minor = 1;
  /** Flat, in order and spelling: name, value, … */
  fields: string[] = NO_FIELDS;
  trailers: string[] = NO_FIELDS;
  framing: Framing = Framing.NONE;
  readonly facts = new HeadFacts();
  readonly handler: MessageHandler;
  readonly limits: ReadLimits;
  readonly #chunks = new Chunks();
  /** Where in the bytes that are being read small chunks stand, moved together and not given yet. */
  #joinedAt = 0;
  #joinedEnd = 0;
  /** Of a body with a length. */
  #left = 0;
  /** A head or trailer section that is not whole yet. Its limit is `headBytes`. */
  #carry: Buffer = NO_BYTES;
  #carried = 0;
  /** How much of it was looked at. */
  #parsed = 0;

  constructor(limits: ReadLimits, handler: MessageHandler) {
    this.limits = limits;
    this.handler = handler;
  }

  /** Whether nothing of a message has come yet. */
  get isIdle(): boolean {
    return this.phase === Phase.HEAD && this.#carried === 0;
  }

  /** Reads `[at, end)` up to the end of one message; answers where it stopped. Nothing of `bytes` is kept. */
  read(bytes: Buffer, at: number, end: number): number {
    while (at < end) {
      if (this.phase === Phase.BODY) at = this.#readBody(bytes, at, end);
      else if (this.phase <= Phase.TRAILERS) at = this.#readSection(bytes, at, end);
      else return at;
    }
    return at;
  }

  /** The connection ended. A body without an end of its own is then DONE, any other message that began is cut. */
  finish(): void {
    if (this.phase === Phase.BODY && this.framing === Framing.CLOSE) this.phase = Phase.DONE;
    else if (this.phase <= Phase.TRAILERS && !this.isIdle) {
      if (this.#carried > 0) this.#parseSection(this.#carry, 0, this.#carried);
      if (this.phase <= Phase.TRAILERS) this.fail(Faults.CUT);
    }
  }

  /** Ready for the next message on the connection. */
  next(): void {
    this.phase = Phase.HEAD;
    this.fields = NO_FIELDS;
    this.trailers = NO_FIELDS;
  }

  /** Nobody wants the rest. */
  stop(): void {
    this.phase = Phase.STOPPED;
    this.#carry = NO_BYTES;
    this.#carried = 0;
  }

  /** Bytes before a first line; answers how many may be skipped. INCOMPLETE or REFUSED as `readStart`. */
  protected abstract skip(bytes: Buffer, at: number, end: number): number;
  /** The first line; answers the offset behind it, INCOMPLETE or REFUSED with `scanner.fault`. */
  protected abstract readStart(bytes: Buffer, at: number, end: number): number;
  /** The head is whole; `text` is all of it. Sets the framing, and answers the phase that follows. */
  protected abstract begin(text: string): Phase;

  protected fail(fault: Fault): Phase {
    this.fault = fault;
    this.phase = Phase.FAILED;
    return Phase.FAILED;
  }

  /** Puts the framing of a body to work. */
  protected frame(framing: Framing): Phase {
    this.framing = framing;
    this.#left = this.facts.contentLength;
    if (framing === Framing.CHUNKED) this.#chunks.reset();
    const isEmpty = framing === Framing.NONE || (framing === Framing.LENGTH && this.#left === 0);
    return isEmpty ? Phase.DONE : Phase.BODY;
  }

  #readSection(bytes: Buffer, at: number, end: number): number {
    if (this.#carried === 0) {
      const to = this.#parseSection(bytes, at, Math.min(end, at + this.limits.headBytes));
      if (to !== INCOMPLETE) return to;
      this.#carryOn(bytes, at, end);
      this.#parsed = this.#carried;
      return end;
    }
    const before = this.#carried;
    const taken = Math.min(end - at, this.limits.headBytes - before);
    this.#carryOn(bytes, at, at + taken);
    if (!this.#isWorthParsing(before)) return at + taken;
    this.#parsed = this.#carried;
    const to = this.#parseSection(this.#carry, 0, this.#carried);
    if (to === INCOMPLETE) return at + taken;
    this.#carried = 0;
    this.#carry = NO_BYTES;
    return at + to - before;
  }

  /**
   * Parsing begins at the first byte each time. So it waits for the end of the section, or for as much again: who sends
   * line by line has each byte read about twice, not once a line.
   */
  #isWorthParsing(before: number): boolean {
    if (this.#carried >= 2 * this.#parsed || this.#carried >= this.limits.headBytes) return true;
    return this.#carry.subarray(Math.max(0, before - SECTION_END.length + 1), this.#carried).includes(SECTION_END);
  }

  #carryOn(bytes: Buffer, at: number, end: number): void {
    const length = this.#carried + end - at;
    if (length > this.#carry.length) {
      const grown = Buffer.allocUnsafe(Math.max(FIRST_CARRY_BYTES, 2 * this.#carry.length, length));
      grown.set(this.#carry.subarray(0, this.#carried));
      this.#carry = grown;
    }
    bytes.copy(this.#carry, this.#carried, at, end);
    this.#carried = length;
  }

  /** A head or trailer section from its first byte on; answers the offset behind it, or INCOMPLETE. */
  #parseSection(bytes: Buffer, at: number, end: number): number {
    const isHead = this.phase === Phase.HEAD;
    let to = at;
    if (isHead) {
      const skipped = this.skip(bytes, at, end);
      if (skipped > 0) return at + skipped;
      to = skipped < 0 ? skipped : this.#parseStart(bytes, at, end);
    }
    if (to >= 0) to = scanner.scan(bytes, to, end, this.limits.headLines);
    if (to === INCOMPLETE && end - at >= this.limits.headBytes) return this.#refuse(Faults.HEAD_TOO_LARGE, end);
    if (to === INCOMPLETE) return INCOMPLETE;
    if (to === REFUSED) return this.#refuse(scanner.fault, end);
    const text = bytes.toString('latin1', at, to);
    if (isHead) this.#takeHead(text, at);
    else this.#takeTrailers(text, at);
    return to;
  }

  #parseStart(bytes: Buffer, at: number, end: number): number {
    const { startLineBytes } = this.limits;
    const to = this.readStart(bytes, at, Math.min(end, at + startLineBytes));
    if (to !== INCOMPLETE || end - at < startLineBytes) return to;
    scanner.fault = Faults.START_LINE_TOO_LONG;
    return REFUSED;
  }

  #takeHead(text: string, at: number): void {
    this.facts.reset();
    this.fields = scanner.take(text, at, this.facts);
    this.phase = this.facts.fault === null ? this.begin(text) : this.fail(this.facts.fault);
    if (this.phase !== Phase.FAILED) this.handler.onHead();
  }

  #takeTrailers(text: string, at: number): void {
    this.trailers = scanner.take(text, at, NO_FACTS);
    this.phase = Phase.DONE;
  }

  #refuse(fault: Fault, end: number): number {
    this.fail(fault);
    return end;
  }

  #readBody(bytes: Buffer, at: number, end: number): number {
    if (this.framing === Framing.CHUNKED) return this.#readChunked(bytes, at, end);
    if (this.framing === Framing.CLOSE) return this.#give(bytes, at, end);
    const to = Math.min(end, at + this.#left);
    this.#left -= to - at;
    // Before its last piece is given, so that who takes it sees that it is the last.
    if (this.#left === 0) this.phase = Phase.DONE;
    return this.#give(bytes, at, to);
  }

  #readChunked(bytes: Buffer, at: number, end: number): number {
    const chunks = this.#chunks;
    at = chunks.read(bytes, at, end, this.limits.chunkExtensionBytes);
    if (at === end || !chunks.isInData) return this.#betweenChunks(bytes, at);
    const to = Math.min(end, at + chunks.left);
    chunks.took(to - at);
    if (to - at > JOINED_CHUNK_BYTES) {
      this.#giveJoined(bytes);
      return this.phase === Phase.BODY ? this.#give(bytes, at, to) : to;
    }
    if (this.#joinedEnd === 0) this.#joinedAt = at;
    else bytes.copyWithin(this.#joinedEnd, at, to);
    this.#joinedEnd = this.#joinedEnd === 0 ? to : this.#joinedEnd + to - at;
    if (to === end) this.#giveJoined(bytes);
    return to;
  }

  /** The bytes have come to their end, or the chunks to theirs. */
  #betweenChunks(bytes: Buffer, at: number): number {
    const { fault, isLast } = this.#chunks;
    this.#giveJoined(bytes);
    if (this.phase !== Phase.BODY) return at;
    if (fault !== null) return this.#refuse(fault, at);
    if (isLast) this.phase = Phase.TRAILERS;
    return at;
  }

  #giveJoined(bytes: Buffer): void {
    const end = this.#joinedEnd;
    if (end === 0) return;
    this.#joinedEnd = 0;
    this.#give(bytes, this.#joinedAt, end);
  }

  #give(bytes: Buffer, at: number, to: number): number {
    this.handler.onBody(at === 0 && to === bytes.length ? bytes : bytes.subarray(at, to));
    return to;
  }
}
