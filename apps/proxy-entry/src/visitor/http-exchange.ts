/** One request and its answer on node:http's objects. */
import { performance } from 'node:perf_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { headText, writeHead } from './heads.ts';
import type { VisitorExchange, VisitorListener, VisitorRequest } from './transport.ts';

/** A body up to this size that comes in the same turn as its head goes out with it, as one buffer in one write. */
const JOINED_BODY_BYTES = 4_096;

export class HttpExchange implements VisitorExchange {
  readonly request: VisitorRequest;
  listener: VisitorListener | null = null;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** The first bytes of the body, held to the end of the turn: they may be all there is. */
  #held: Buffer | null = null;
  #isHolding = false;
  #isFull = false;
  #isFinished = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    this.request = describe(request, false);
    // Written to in the moment in which the visitor left: the close that follows says it.
    response.on('error', () => {}).on('close', () => this.#finished());
  }

  startBody(): void {
    this.#request
      .on('data', (chunk: Buffer) => this.listener?.onBody(chunk))
      .on('end', () => this.listener?.onBodyEnd(this.#request.rawTrailers))
      // A visitor that leaves in mid-body: the response's close says so.
      .on('error', () => {});
  }

  pauseBody(): void {
    this.#request.pause();
  }

  resumeBody(): void {
    this.#request.resume();
  }

  informational(status: number, reason: string, fields: readonly string[]): void {
    const { socket, headersSent } = this.#response;
    // Node says 100 itself, and has the others only with fields of its own choice.
    if (this.request.httpVersion === '1.0' || status === 100 || headersSent) return;
    // Null: another answer goes before this one.
    socket?.write(`${headText(status, reason, fields)}\r\n`, 'latin1');
  }

  head(status: number, reason: string, fields: readonly string[], closes: boolean): void {
    if (closes) this.#response.shouldKeepAlive = false;
    // Nothing goes out yet: Node keeps the head for the first bytes of the body.
    if (!writeHead(this.#response, status, reason, fields)) return this.cut();
    this.#isHolding = true;
    process.nextTick(release, this);
  }

  write(chunk: Buffer): boolean {
    if (this.#isHolding && this.#held === null && chunk.length <= JOINED_BODY_BYTES) {
      this.#held = chunk;
      return true;
    }
    this.release();
    const hasRoom = this.#response.write(chunk);
    if (!hasRoom) this.#awaitDrain();
    return hasRoom;
  }

  end(trailers: readonly string[]): void {
    this.#isHolding = false;
    if (trailers.length > 0) this.#response.addTrailers(pairs(trailers));
    if (this.#held === null) this.#response.end();
    // Text is joined to the head, bytes would be a second buffer; Latin-1 is the same bytes.
    else this.#response.end(this.#held.toString('latin1'), 'latin1');
    this.#held = null;
  }

  cut(): void {
    this.#isHolding = false;
    const { socket } = this.#request;
    // A reset where the end of the connection would be the end of the body.
    if (this.request.httpVersion === '1.0') socket.resetAndDestroy();
    else socket.destroy();
  }

  /** The turn is over: what is there goes out. */
  release(): void {
    if (!this.#isHolding) return;
    this.#isHolding = false;
    if (this.#held === null) this.#response.flushHeaders();
    else this.#response.write(this.#held);
    this.#held = null;
  }

  /** What is under way still comes, a whole window of it: one listener for all of that. */
  #awaitDrain(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#response.once('drain', () => {
      this.#isFull = false;
      this.listener?.onDrained();
    });
  }

  #finished(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.listener?.onFinished(this.#response.writableFinished);
  }
}

function release(exchange: HttpExchange): void {
  exchange.release();
}

export function describe(request: IncomingMessage, isUpgrade: boolean): VisitorRequest {
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    httpVersion: request.httpVersion,
    fields: request.rawHeaders,
    remoteAddress: plainAddress(request.socket.remoteAddress ?? ''),
    scheme: 'http',
    isUpgrade,
    hasBody: isUpgrade || hasBody(request),
    arrivedMs: performance.now(),
  };
}

/** RFC 9112 §6: a body is there when Transfer-Encoding or a Content-Length over 0 says so. */
function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** Node shows IPv4 on a dual-stack socket as `::ffff:1.2.3.4`. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}

function pairs(fields: readonly string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) result.push([fields[i]!, fields[i + 1]!]);
  return result;
}
