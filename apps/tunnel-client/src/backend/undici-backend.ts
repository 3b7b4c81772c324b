/** Requests to the backend by undici: a pool of kept-alive connections, one request on each at a time. */
import { StreamCode } from '@sallyport/protocol';
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import { backendConnector } from './connector.ts';
import { failureCode } from './failures.ts';
import { RequestBody } from './request-body.ts';
import type { BackendCall, BackendHandler, BackendOptions, BackendRequest, BackendTransport } from './transport.ts';

/** A connection is closed this long before the backend says it would close it: a request must not meet its end. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

export class UndiciBackend implements BackendTransport {
  readonly #pool: Pool;
  readonly #origin: string;
  readonly #serverName: string;

  constructor(options: BackendOptions) {
    const socketPath = options.url.startsWith('unix:') ? options.url.slice('unix:'.length) : undefined;
    this.#origin = socketPath === undefined ? options.url.replace(/\/$/, '') : 'http://localhost';
    this.#serverName = options.serverName ?? new URL(this.#origin).hostname;
    this.#pool = new Pool(this.#origin, {
      connections: options.connections,
      pipelining: 1,
      keepAliveTimeout: Math.max(1, options.idleTimeoutMs),
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      headersTimeout: options.headTimeoutMs,
      // A stream that is quiet but alive is not ended by us.
      bodyTimeout: 0,
      maxHeaderSize: options.headBytes,
      allowH2: false,
      connect: backendConnector(options, socketPath),
    });
  }

  start(request: BackendRequest, handler: BackendHandler): BackendCall {
    const call = new UndiciCall(handler, request.hasBody);
    const options: Dispatcher.DispatchOptions & { servername?: string | undefined } = {
      origin: this.#origin,
      path: request.target,
      method: request.method,
      headers: request.fields as string[],
      body: call.body,
      // The same for all, whatever their Host: undici drops a connection when it changes.
      servername: this.#serverName,
      // undici would close the connection after a HEAD.
      ...(request.method === 'HEAD' ? { reset: false } : {}),
    };
    try {
      this.#pool.dispatch(options, call);
    } catch (error) {
      call.refuse(error as Error);
    }
    return call;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

class UndiciCall implements BackendCall, Dispatcher.DispatchHandler {
  readonly body: RequestBody | null;
  readonly #handler: BackendHandler;
  #controller: Dispatcher.DispatchController | null = null;
  #isCancelled = false;
  #isOver = false;

  constructor(handler: BackendHandler, hasBody: boolean) {
    this.#handler = handler;
    this.body = hasBody ? new RequestBody((bytes) => handler.onBodyTaken(bytes)) : null;
  }

  write(chunk: Buffer): void {
    if (!this.#isOver) this.body?.add(chunk);
  }

  end(): void {
    this.body?.finish();
  }

  resume(): void {
    this.#controller?.resume();
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#controller?.abort(new Error('cancelled'));
  }

  /** undici would not take the request at all. */
  refuse(error: Error): void {
    this.#fail(StreamCode.BAD_HEAD, false, error);
  }

  // ---- from undici

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isCancelled) controller.abort(new Error('cancelled'));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, reason?: string): void {
    const fields = rawStrings(controller.rawHeaders);
    if (status < 200) this.#handler.onInformational(status, reason ?? '', fields);
    else this.#handler.onAnswer(status, reason ?? '', fields);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    // An empty one comes after each resume, and must not pause again.
    if (chunk.length > 0 && !this.#handler.onAnswerData(chunk)) controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#isOver = true;
    this.#handler.onAnswerEnd(rawStrings(controller.rawTrailers));
  }

  onResponseError(_controller: unknown, error: Error): void {
    const isConnected = this.#controller !== null;
    const code = this.#isCancelled ? StreamCode.CANCELLED : failureCode(error, isConnected);
    this.#fail(code, isConnected, error);
  }

  #fail(code: StreamCode, isStarted: boolean, error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.body?.destroy();
    this.#handler.onFailure(code, isStarted, error);
  }
}

/** Header bytes as Latin-1 text, so that what is not ASCII survives. */
function rawStrings(raw: unknown): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((each: Buffer | string) => (typeof each === 'string' ? each : each.toString('latin1')));
}
