/** The seam to the backend: one request out, its answer in. Libraries behind it can change without the rest knowing. */
import type { StreamCode } from '@sallyport/protocol';
import type { ProxyProtocol } from './proxy-header.ts';

export interface BackendRequest {
  readonly method: string;
  readonly target: string;
  /** Flat, end-to-end only: name, value, … */
  readonly fields: readonly string[];
  readonly hasBody: boolean;
  /** Its first try failed: it goes over a connection that was not used before. */
  readonly isRetry: boolean;
}

/** Events of one answer: informational heads, one head, data, then exactly one of `onAnswerEnd` and `onFailure`. */
export interface BackendHandler {
  onInformational(status: number, reason: string, fields: readonly string[]): void;
  onAnswer(status: number, reason: string, fields: readonly string[]): void;
  /** False: stop until `resume`. */
  onAnswerData(chunk: Buffer): boolean;
  onAnswerEnd(trailers: readonly string[]): void;
  /** `isStarted`: the request may have reached the backend. */
  onFailure(code: StreamCode, isStarted: boolean, error: Error): void;
  /** The backend took this many bytes of the request body. */
  onBodyTaken(bytes: number): void;
}

export interface BackendCall {
  write(chunk: Buffer): void;
  /** The body is whole. Trailers go where the backend's protocol has a place for them, and are dropped otherwise. */
  end(trailers: readonly string[]): void;
  /** The answer may flow again. */
  resume(): void;
  /** Nobody wants the answer: the backend's connection is closed if need be. `onFailure` follows. */
  cancel(): void;
}

export interface BackendTransport {
  start(request: BackendRequest, handler: BackendHandler): BackendCall;
  /** In force from now on, for what runs as well. */
  configure(limits: BackendLimits): void;
  close(): Promise<void>;
}

/** What may change while requests run. */
export interface BackendLimits {
  readonly connectTimeoutMs: number;
  readonly headTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Connections at once: slots and long streams. */
  readonly connections: number;
}

export interface BackendOptions extends BackendLimits {
  /** `http://host:port`, `https://host:port` or `unix:/path`. */
  readonly url: string;
  readonly ca: string | undefined;
  readonly serverName: string | undefined;
  readonly headBytes: number;
  /** Other than off: each request has its own connection, whose first bytes name its visitor. */
  readonly proxyProtocol: ProxyProtocol;
}
