/** Answers, one after another (RFC 9112 §4). */
import { Class, CLASSES, CR, LF, SPACE, trimOws } from './bytes.ts';
import { Framing } from './facts.ts';
import { Faults } from './fault.ts';
import { INCOMPLETE, REFUSED } from './field-scanner.ts';
import { MessageReader, Phase, scanner } from './message-reader.ts';

const VERSION = Uint8Array.from('HTTP/1.', (character) => character.charCodeAt(0));
/** `HTTP/1.1 200`. */
const STATUS_END = 12;
const ZERO = 0x30;

export class ResponseReader extends MessageReader {
  status = 0;
  reason = '';
  /** Set by `expect`. */
  #isToHead = false;
  #reasonAt = 0;
  #reasonEnd = 0;

  /** Says what the next answer is an answer to: to HEAD it has no body. */
  expect(method: string): void {
    this.#isToHead = method === 'HEAD';
    this.next();
  }

  /** RFC 9112 §9.3: whether the connection can be used again, once the message is done. */
  get keepsAlive(): boolean {
    return this.framing !== Framing.CLOSE && this.facts.keepsAlive(this.minor);
  }

  protected override skip(bytes: Buffer, at: number): number {
    if (bytes[at] === VERSION[0]) return 0;
    scanner.fault = Faults.NOT_HTTP;
    return REFUSED;
  }

  protected override readStart(bytes: Buffer, at: number, end: number): number {
    for (let i = 0; i < VERSION.length; i += 1) {
      if (at + i === end) return INCOMPLETE;
      if (bytes[at + i] !== VERSION[i]) return scanner.judge(bytes, at, end, Faults.NOT_HTTP);
    }
    if (at + VERSION.length === end) return INCOMPLETE;
    const minor = bytes[at + VERSION.length]! - ZERO;
    if (minor !== 0 && minor !== 1) return scanner.judge(bytes, at, end, Faults.VERSION);
    // The shortest line has no reason, nor the space before it.
    if (at + STATUS_END >= end) return scanner.judge(bytes, at, end, Faults.STATUS_LINE);
    const status = digit(bytes[at + 9]!) * 100 + digit(bytes[at + 10]!) * 10 + digit(bytes[at + 11]!);
    // Not a number where one of them was no digit.
    if (bytes[at + 8] !== SPACE || !(status >= 100)) return scanner.judge(bytes, at, end, Faults.STATUS_LINE);
    this.minor = minor;
    this.status = status;
    return this.#readReason(bytes, at, end);
  }

  protected override begin(text: string): Phase {
    // Spaces around it are allowed by RFC 9112 §4, and no part of it.
    this.reason = trimOws(text.substring(this.#reasonAt, this.#reasonEnd));
    const { facts, status } = this;
    const fault = facts.hasCodings ? facts.codingFault(this.minor) : null;
    if (fault !== null) return this.fail(fault);
    if (status === 101) return Phase.RAW;
    if (status < 200) return Phase.HEAD;
    // RFC 9112 §6.3.
    if (this.#isToHead || status === 204 || status === 304) return this.frame(Framing.NONE);
    if (facts.hasCodings) return this.frame(Framing.CHUNKED);
    return this.frame(facts.contentLength >= 0 ? Framing.LENGTH : Framing.CLOSE);
  }

  #readReason(bytes: Buffer, at: number, end: number): number {
    let i = at + STATUS_END;
    // Many a backend leaves the space out with the reason.
    if (bytes[i] === SPACE) i += 1;
    else if (bytes[i] !== CR) return scanner.judge(bytes, i, end, Faults.STATUS_LINE);
    this.#reasonAt = i - at;
    while (i < end && (CLASSES[bytes[i]!]! & Class.VALUE) !== 0) i += 1;
    this.#reasonEnd = i - at;
    if (i + 1 >= end && (i === end || bytes[i] === CR)) return INCOMPLETE;
    if (bytes[i] === CR && bytes[i + 1] === LF) return i + 2;
    return scanner.judge(bytes, i, end, bytes[i] === CR || bytes[i] === LF ? Faults.LINE_END : Faults.STATUS_LINE);
  }
}

function digit(byte: number): number {
  return (CLASSES[byte]! & Class.DIGIT) === 0 ? Number.NaN : byte - ZERO;
}
