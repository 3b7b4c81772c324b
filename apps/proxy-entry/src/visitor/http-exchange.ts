/** One request and its answer on node:http's objects. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { lowerName } from '@sallyport/protocol';
import type { VisitorExchange, VisitorListener, VisitorRequest } from './transport.ts';

export class HttpExchange implements VisitorExchange {
  readonly request: VisitorRequest;
  listener: VisitorListener | null = null;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #isFinished = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    this.request = describe(request, false);
    response.on('close', () => this.#finished());
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

  informational(status: number, _reason: string, fields: readonly string[]): void {
    if (this.request.httpVersion === '1.0' || status === 100) return;
    if (status === 103) this.#response.writeEarlyHints(grouped(fields));
    else if (status === 102) this.#response.writeProcessing();
  }

  head(status: number, reason: string, fields: readonly string[], closes: boolean): void {
    const response = this.#response;
    if (closes) response.shouldKeepAlive = false;
    response.on('drain', () => this.listener?.onDrained());
    response.writeHead(status, reason, fields as string[]);
    // Head and first bytes leave together where both come in one turn, and at its end in any case.
    response.cork();
    process.nextTick(uncork, response);
  }

  write(chunk: Buffer): boolean {
    return this.#response.write(chunk);
  }

  end(trailers: readonly string[]): void {
    if (trailers.length > 0) this.#response.addTrailers(pairs(trailers));
    this.#response.end();
  }

  cut(): void {
    const { socket } = this.#request;
    // A reset where the end of the connection would be the end of the body.
    if (this.request.httpVersion === '1.0') socket.resetAndDestroy();
    else socket.destroy();
  }

  #finished(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.listener?.onFinished(this.#response.writableFinished);
  }
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

function uncork(response: ServerResponse): void {
  response.uncork();
}

function pairs(fields: readonly string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) result.push([fields[i]!, fields[i + 1]!]);
  return result;
}

function grouped(fields: readonly string[]): Record<string, string[]> & { link: string[] } {
  const result: Record<string, string[]> & { link: string[] } = { link: [] };
  for (const [name, value] of pairs(fields)) (result[lowerName(name)] ??= []).push(value);
  return result;
}
