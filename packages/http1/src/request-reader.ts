/** Requests, one after another (RFC 9112 §3). */
import { Class, CLASSES, CR, LF, SPACE } from './bytes.ts';
import { Framing } from './facts.ts';
import { Faults } from './fault.ts';
import { INCOMPLETE, REFUSED } from './field-scanner.ts';
import { MessageReader, scanner } from './message-reader.ts';
import type { Phase } from './message-reader.ts';
import { findName, hashStep } from './names.ts';
import type { KnownName } from './names.ts';

/** RFC 9112 §2.2: one before a request is to be ignored, for clients that send it behind a body. */
const MAX_EMPTY_LINES = 4;
const VERSION = Uint8Array.from('HTTP/1.', (character) => character.charCodeAt(0));
const ZERO = 0x30;

export class RequestReader extends MessageReader {
  method = '';
  /** As it was sent. */
  target = '';
  #methodEnd = 0;
  #known: KnownName | null = null;
  #targetAt = 0;
  #targetEnd = 0;
  #emptyLines = 0;

  /** Known of one that was refused as well, where its first line could be read that far: its answer has no body. */
  get isHead(): boolean {
    return this.#known?.text === 'HEAD';
  }

  /** RFC 9112 §9.3: whether the visitor will have more on this connection. */
  get keepsAlive(): boolean {
    return this.facts.keepsAlive(this.minor);
  }

  override next(): void {
    super.next();
    this.#known = null;
  }

  protected override skip(bytes: Buffer, at: number, end: number): number {
    if (bytes[at] !== CR) return (CLASSES[bytes[at]!]! & Class.TOKEN) === 0 ? refuse() : 0;
    if (at + 1 >= end) return INCOMPLETE;
    this.#emptyLines += 1;
    return bytes[at + 1] === LF && this.#emptyLines <= MAX_EMPTY_LINES ? 2 : refuse();
  }

  protected override readStart(bytes: Buffer, at: number, end: number): number {
    let byte = 0;
    let hash = 0;
    let i = at;
    while (i < end && (CLASSES[(byte = bytes[i]!)]! & Class.TOKEN) !== 0) {
      hash = hashStep(hash, byte);
      i += 1;
    }
    if (i === end) return INCOMPLETE;
    if (byte !== SPACE) return scanner.judge(bytes, i, end, byte === LF ? Faults.LINE_END : Faults.METHOD);
    this.#methodEnd = i - at;
    this.#known = findName(bytes, at, i, hash);
    i += 1;
    this.#targetAt = i - at;
    while (i < end && (CLASSES[(byte = bytes[i]!)]! & Class.TARGET) !== 0) i += 1;
    if (i === end) return INCOMPLETE;
    this.#targetEnd = i - at;
    if (byte === CR || byte === LF) return scanner.judge(bytes, i, end, Faults.VERSION);
    if (byte !== SPACE || this.#targetEnd === this.#targetAt) return scanner.judge(bytes, i, end, Faults.TARGET);
    return this.#readVersion(bytes, i + 1, end);
  }

  protected override begin(text: string): Phase {
    this.#emptyLines = 0;
    this.method = this.#known?.text ?? text.substring(0, this.#methodEnd);
    this.target = text.substring(this.#targetAt, this.#targetEnd);
    const { facts } = this;
    if (!facts.hasCodings) return this.frame(facts.contentLength >= 0 ? Framing.LENGTH : Framing.NONE);
    const fault = facts.codingFault(this.minor);
    return fault === null ? this.frame(Framing.CHUNKED) : this.fail(fault);
  }

  #readVersion(bytes: Buffer, at: number, end: number): number {
    for (let i = 0; i < VERSION.length; i += 1) {
      if (at + i === end) return INCOMPLETE;
      if (bytes[at + i] !== VERSION[i]) return judgeVersion(bytes, at, end);
    }
    const minorAt = at + VERSION.length;
    if (minorAt === end) return INCOMPLETE;
    const minor = bytes[minorAt]! - ZERO;
    if (minor !== 0 && minor !== 1) return judgeVersion(bytes, at, end);
    this.minor = minor;
    if (minorAt + 1 === end) return INCOMPLETE;
    if (bytes[minorAt + 1] !== CR) return scanner.judge(bytes, at, end, Faults.LINE_END);
    if (minorAt + 2 === end) return INCOMPLETE;
    return bytes[minorAt + 2] === LF ? minorAt + 3 : scanner.judge(bytes, at, end, Faults.LINE_END);
  }
}

/** What stands where the version should: one that we do not speak (RFC 9110 §15.6.6), or none at all. */
function judgeVersion(bytes: Buffer, at: number, end: number): number {
  const isVersion = ANY_VERSION.test(bytes.toString('latin1', at, Math.min(end, at + VERSION_LENGTH + 1)));
  return scanner.judge(bytes, at, end, isVersion ? Faults.VERSION : Faults.REQUEST_LINE);
}

const VERSION_LENGTH = 'HTTP/1.1'.length;
const ANY_VERSION = /^HTTP\/\d\.\d[\r\n]$/;

/** By its first byte alone: what speaks TLS here is told at once. */
function refuse(): typeof REFUSED {
  scanner.fault = Faults.NOT_HTTP;
  return REFUSED;
}
