/** One message out: text for the head, and text before and behind each piece of the body. */
import { Framing } from './facts.ts';
import { FieldWriter, isToken, isValue } from './field-writer.ts';
import { Field } from './names.ts';

/** One for all writers, see there. */
const fieldWriter = new FieldWriter();

/** What the codec says by itself, and nobody else. */
const OWN = Field.CONNECTION | Field.TRANSFER_ENCODING;

/** RFC 9112 §3: as HTTP has it, and not empty. */
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const NOT_IN_TARGET = /[\0-\x20\x7f\u0100-\uffff]/;

abstract class MessageWriter {
  framing: Framing = Framing.NONE;
  /** Of a body with a length: what is still to come. */
  #left = 0;

  /** What goes out right before so many bytes of body; null where they are more than was said. */
  before(bytes: number): string | null {
    if (this.framing === Framing.CHUNKED) return `${bytes.toString(16)}\r\n`;
    if (this.framing === Framing.NONE) return null;
    this.#left -= bytes;
    return this.#left < 0 ? null : '';
  }

  /** What goes out right behind each piece of body. */
  get after(): string {
    return this.framing === Framing.CHUNKED ? '\r\n' : '';
  }

  /** The end of the body: trailers where there are chunks. Null where it is shorter than was said, or they are wrong. */
  end(trailers: readonly string[]): string | null {
    if (this.framing !== Framing.CHUNKED) return this.framing === Framing.LENGTH && this.#left > 0 ? null : '';
    if (trailers.length === 0) return '0\r\n\r\n';
    return fieldWriter.write(trailers, Field.NOT_A_TRAILER) ? `0\r\n${fieldWriter.text}\r\n` : null;
  }

  protected frame(framing: Framing, length: number): void {
    this.framing = framing;
    this.#left = framing === Framing.LENGTH ? length : Infinity;
  }
}

/** Methods that mean a body: no body is said to be none (RFC 9110 §8.6). */
const WITH_CONTENT = new Set(['POST', 'PUT', 'PATCH']);

export class RequestWriter extends MessageWriter {
  /** Of the last head: bits of `Field`. */
  seen = 0;

  /**
   * The head of a request with its empty line; null where HTTP does not allow it. `fields`: flat, without those of the
   * connection but for `TE` and `Upgrade`, which makes it a request for an upgrade; a body without Content-Length goes in chunks.
   */
  head(method: string, target: string, fields: readonly string[], hasBody: boolean): string | null {
    if (!isToken(method) || target === '' || NOT_IN_TARGET.test(target)) return null;
    if (!fieldWriter.write(fields, 0) || (fieldWriter.seen & OWN) !== 0) return null;
    const { text, contentLength } = fieldWriter;
    this.seen = fieldWriter.seen;
    const isUpgrade = (this.seen & Field.UPGRADE) !== 0;
    const framing = requestFraming(hasBody && !isUpgrade, contentLength);
    // A length without a body would have the backend wait for one.
    if (framing === Framing.NONE && contentLength > 0) return null;
    this.frame(framing, contentLength);
    let own = (this.seen & NOMINATED) === 0 ? '' : connectionLine(this.seen);
    if (framing === Framing.CHUNKED) own += 'Transfer-Encoding: chunked\r\n';
    else if (!hasBody && contentLength < 0 && WITH_CONTENT.has(method)) own += 'Content-Length: 0\r\n';
    return `${method} ${target} HTTP/1.1\r\n${text}${own}\r\n`;
  }
}

/** Fields of a request that its Connection must name (RFC 9110 §7.8, §10.1.4). */
const NOMINATED = Field.UPGRADE | Field.TE;

function connectionLine(seen: number): string {
  if ((seen & Field.UPGRADE) === 0) return 'Connection: TE\r\n';
  return (seen & Field.TE) === 0 ? 'Connection: Upgrade\r\n' : 'Connection: Upgrade, TE\r\n';
}

function requestFraming(hasBody: boolean, contentLength: number): Framing {
  if (!hasBody) return Framing.NONE;
  return contentLength >= 0 ? Framing.LENGTH : Framing.CHUNKED;
}

/** What an answer is to, and what its connection will do. */
export interface AnswerContext {
  /** To HEAD there is no body, whatever its head says. */
  readonly isToHead: boolean;
  /** Of the request: 0 or 1. */
  readonly minor: number;
  /** The visitor and we would both have more on this connection. */
  readonly keepsAlive: boolean;
}

export class ResponseWriter extends MessageWriter {
  /** The connection ends with this answer. */
  closes = false;
  readonly #keepAlive: string;

  /** `keepAliveSeconds`: said in Keep-Alive. */
  constructor(keepAliveSeconds: number) {
    super();
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveSeconds}\r\n`;
  }

  /** The head of a final answer with its empty line; null where HTTP does not allow it. `fields`: flat, end to end. */
  head(status: number, reason: string, fields: readonly string[], context: AnswerContext): string | null {
    if (!isStatus(status) || !isValue(reason) || !fieldWriter.write(fields, 0)) return null;
    const framing = responseFraming(status, fieldWriter.contentLength, context);
    if ((fieldWriter.seen & Field.TRAILER) !== 0 && framing !== Framing.CHUNKED) {
      fieldWriter.write(fields, Field.TRAILER);
    }
    if ((fieldWriter.seen & OWN) !== 0) return null;
    this.frame(framing, fieldWriter.contentLength);
    this.closes = !context.keepsAlive || framing === Framing.CLOSE;
    const date = (fieldWriter.seen & Field.DATE) === 0 ? dateLine() : '';
    const coding = framing === Framing.CHUNKED ? 'Transfer-Encoding: chunked\r\n' : '';
    const connection = this.closes ? 'Connection: close\r\n' : this.#keepAlive;
    return `HTTP/1.1 ${status} ${reason}\r\n${fieldWriter.text}${date}${connection}${coding}\r\n`;
  }

  /** A 1xx, or the 101 behind which the connection is raw; null where HTTP does not allow it. */
  informational(status: number, reason: string, fields: readonly string[]): string | null {
    if (!isStatus(status) || !isValue(reason)) return null;
    if (!fieldWriter.write(fields, 0) || (fieldWriter.seen & OWN) !== 0) return null;
    const connection = status === 101 ? 'Connection: Upgrade\r\n' : '';
    if (status === 101) this.frame(Framing.CLOSE, 0);
    return `HTTP/1.1 ${status} ${reason}\r\n${fieldWriter.text}${connection}\r\n`;
  }
}

/** RFC 9112 §6.3. */
function responseFraming(status: number, contentLength: number, { isToHead, minor }: AnswerContext): Framing {
  if (isToHead || status === 204 || status === 304) return Framing.NONE;
  if (contentLength >= 0) return Framing.LENGTH;
  return minor === 1 ? Framing.CHUNKED : Framing.CLOSE;
}

function isStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 100 && status <= 999;
}

const MS_PER_SECOND = 1_000;
let dateSecond = -1;
let dateText = '';

/** RFC 9110 §6.6.1; made anew once a second. */
function dateLine(): string {
  const second = Math.trunc(Date.now() / MS_PER_SECOND);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = `Date: ${new Date(second * MS_PER_SECOND).toUTCString()}\r\n`;
  }
  return dateText;
}
