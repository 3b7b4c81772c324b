/** Requests that ask for an upgrade, by node:http: undici cannot hand on an answer that is not the 101. */
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { StreamCode } from '@sallyport/protocol';
import { failureCode } from './failures.ts';
import { hostOf, tlsName } from './tls-name.ts';
import type { BackendCall, BackendHandler, BackendOptions, BackendRequest, BackendTransport } from './transport.ts';

export class UpgradeBackend implements BackendTransport {
  readonly #options: BackendOptions;

  constructor(options: BackendOptions) {
    this.#options = options;
  }

  start(request: BackendRequest, handler: BackendHandler): BackendCall {
    return new UpgradeCall(this.#options, request, handler);
  }

  async close(): Promise<void> {
    // Each connection belongs to its call and ends with it.
  }
}

class UpgradeCall implements BackendCall {
  readonly #handler: BackendHandler;
  readonly #request: ClientRequest;
  readonly #timer: NodeJS.Timeout;
  #socket: Duplex | null = null;
  /** Visitor's bytes from before the 101. Their limit is W0: nothing is reported as taken yet. */
  #early: Buffer[] = [];
  #endedEarly = false;
  #answer: IncomingMessage | null = null;
  #isConnected = false;
  #isCancelled = false;
  #isOver = false;

  constructor(options: BackendOptions, request: BackendRequest, handler: BackendHandler) {
    this.#handler = handler;
    const isTls = options.url.startsWith('https:');
    const connected = isTls ? 'secureConnect' : 'connect';
    this.#request = (isTls ? httpsRequest : httpRequest)(requestOptions(options, request));
    this.#timer = setTimeout(() => this.#timedOut(), options.connectTimeoutMs + options.headTimeoutMs);
    this.#request
      .on('socket', (socket) => socket.once(connected, () => (this.#isConnected = true)))
      .on('upgrade', (answer, socket, head) => this.#upgraded(answer, socket, head))
      .on('response', (answer) => this.#answered(answer))
      .on('error', (error) => this.#fail(failureCode(error, this.#isConnected), error))
      .end();
  }

  write(chunk: Buffer): void {
    if (this.#socket === null) this.#early.push(chunk);
    else this.#socket.write(chunk, () => this.#handler.onBodyTaken(chunk.length));
  }

  end(): void {
    if (this.#socket === null) this.#endedEarly = true;
    else this.#socket.end();
  }

  resume(): void {
    (this.#socket ?? this.#answer)?.resume();
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#request.destroy();
    this.#socket?.destroy();
    this.#fail(StreamCode.CANCELLED, new Error('cancelled'));
  }

  #upgraded(answer: IncomingMessage, socket: Duplex, head: Buffer): void {
    clearTimeout(this.#timer);
    this.#socket = socket;
    if (this.#isCancelled) {
      socket.destroy();
      return;
    }
    this.#handler.onAnswer(answer.statusCode ?? 101, answer.statusMessage ?? '', answer.rawHeaders);
    if (head.length > 0) this.#data(socket, head);
    socket
      .on('data', (chunk: Buffer) => this.#data(socket, chunk))
      .on('end', () => this.#end([]))
      .on('error', (error) => this.#fail(StreamCode.BACKEND_RESET, error))
      .on('close', () => this.#fail(StreamCode.BACKEND_RESET, new Error('closed')));
    for (const chunk of this.#early.splice(0)) this.write(chunk);
    if (this.#endedEarly) socket.end();
  }

  #answered(answer: IncomingMessage): void {
    clearTimeout(this.#timer);
    this.#answer = answer;
    this.#handler.onAnswer(answer.statusCode ?? 502, answer.statusMessage ?? '', answer.rawHeaders);
    answer
      .on('data', (chunk: Buffer) => this.#data(answer, chunk))
      .on('end', () => this.#end(answer.rawTrailers))
      .on('error', (error) => this.#fail(StreamCode.BACKEND_RESET, error));
  }

  #data(source: { pause(): unknown }, chunk: Buffer): void {
    if (!this.#isOver && !this.#handler.onAnswerData(chunk)) source.pause();
  }

  #end(trailers: readonly string[]): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onAnswerEnd(trailers);
  }

  #timedOut(): void {
    this.#request.destroy();
    this.#fail(StreamCode.BACKEND_TIMEOUT, new Error('no answer in time'));
  }

  #fail(code: StreamCode, error: Error): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onFailure(this.#isCancelled ? StreamCode.CANCELLED : code, this.#isConnected, error);
  }
}

function requestOptions(options: BackendOptions, request: BackendRequest): RequestOptions & { allowHalfOpen: boolean } {
  const where = options.url.startsWith('unix:')
    ? { socketPath: options.url.slice('unix:'.length) }
    : hostAndPort(options);
  return {
    ...where,
    method: request.method,
    path: request.target,
    headers: [...request.fields, 'Connection', 'Upgrade'],
    agent: false,
    // After a 101 each side ends on its own.
    allowHalfOpen: true,
    setHost: false,
    maxHeaderSize: options.headBytes,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  };
}

function hostAndPort(options: BackendOptions): { host: string; port: number; servername: string } {
  const { port, protocol } = new URL(options.url);
  const host = hostOf(options.url);
  return { host, port: Number(port) || (protocol === 'https:' ? 443 : 80), servername: tlsName(options) };
}
