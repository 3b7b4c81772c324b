/** What a backend's answer came to, in words, and moments of it to wait for. */
import { streamCodeName } from '@sallyport/protocol';
import type { StreamCode } from '@sallyport/protocol';
import type { BackendCall, BackendHandler, BackendOptions, BackendRequest } from '../backend/transport.ts';
import type { BackendTransport } from '../backend/transport.ts';

/** So long as a test may take: a busy machine is no backend that is late. */
export const OPTIONS: Omit<BackendOptions, 'url'> = {
  ca: undefined,
  serverName: undefined,
  connectTimeoutMs: 60_000,
  headTimeoutMs: 60_000,
  idleTimeoutMs: 60_000,
  connections: 10,
  headBytes: 65_536,
  proxyProtocol: 'off',
};

export function get(target = '/', ...fields: string[]): BackendRequest {
  return { method: 'GET', target, fields: ['Host', 'visited.example', ...fields], hasBody: false, isRetry: false };
}

export function post(target = '/', ...fields: string[]): BackendRequest {
  return { method: 'POST', target, fields: ['Host', 'visited.example', ...fields], hasBody: true, isRetry: false };
}

export class Answer implements BackendHandler {
  /** `103`, `200`, `data`, `end`, `failed backend-reset`, `failed backend-refused not-started`. */
  readonly told: string[] = [];
  status = 0;
  reason = '';
  fields: readonly string[] = [];
  trailers: readonly string[] = [];
  body = '';
  takenBytes = 0;
  /** While true the answer is told to stop with each chunk. */
  isFull = false;
  readonly call: BackendCall;
  readonly #head = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  #onMore: (() => void) | null = null;

  constructor(backend: BackendTransport, request: BackendRequest) {
    this.call = backend.start(request, this);
  }

  /** The final head came, or it never will. */
  get head(): Promise<void> {
    return this.#head.promise;
  }

  /** Ended or failed. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  async bytes(length: number): Promise<void> {
    await this.#until(() => this.body.length >= length);
  }

  /** So many informational heads came. */
  async informed(heads: number): Promise<void> {
    await this.#until(() => this.told.length >= heads);
  }

  async taken(bytes: number): Promise<void> {
    await this.#until(() => this.takenBytes >= bytes);
  }

  onInformational(status: number): void {
    this.told.push(String(status));
    this.#onMore?.();
  }

  onAnswer(status: number, reason: string, fields: readonly string[]): void {
    this.told.push(String(status));
    this.status = status;
    this.reason = reason;
    this.fields = fields;
    this.#head.resolve();
  }

  onAnswerData(chunk: Buffer): boolean {
    if (this.told.at(-1) !== 'data') this.told.push('data');
    this.body += chunk.toString('latin1');
    this.#onMore?.();
    return !this.isFull;
  }

  onAnswerEnd(trailers: readonly string[]): void {
    this.told.push('end');
    this.trailers = trailers;
    this.#end();
  }

  onFailure(code: StreamCode, isStarted: boolean): void {
    this.told.push(`failed ${streamCodeName(code)}${isStarted ? '' : ' not-started'}`);
    this.#end();
  }

  onBodyTaken(bytes: number): void {
    this.takenBytes += bytes;
    this.#onMore?.();
  }

  #end(): void {
    this.#head.resolve();
    this.#over.resolve();
    this.#onMore?.();
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => (this.#onMore = resolve));
  }
}
