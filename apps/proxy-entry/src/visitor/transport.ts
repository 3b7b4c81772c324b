/** The seams to visitors: what speaks with them, and a request with its answer. */
import type { Socket } from 'node:net';

/** Who is at the other end of a connection, as far as that is known before a request. */
export interface Peer {
  /** Of the visitor, or of the last proxy in front of us. */
  readonly remoteAddress: string;
  readonly scheme: 'http' | 'https';
  /** Over TLS: whether the certificate of this connection is for a host (lower case, no port; RFC 9110 §7.4). */
  readonly covers?: (host: string) => boolean;
  /** The verified certificate of the visitor, as Client-Cert carries it (RFC 9440 §2.2); absent: none, or not verified. */
  readonly clientCertificate?: string;
}

export interface VisitorRequest {
  readonly peer: Peer;
  readonly method: string;
  /** As it was sent: origin, absolute or asterisk form. */
  readonly target: string;
  /** `1.0`, `1.1` or `2`. */
  readonly httpVersion: string;
  /** Flat, as sent: name, value, … */
  readonly fields: readonly string[];
  readonly isUpgrade: boolean;
  readonly hasBody: boolean;
  /** When the request event came, on the clock of `performance.now()`. */
  readonly arrivedMs: number;
}

/** One exchange with a visitor, as the entry drives it. */
export interface VisitorExchange {
  readonly request: VisitorRequest;
  /** Set once, before anything is read. */
  listener: VisitorListener | null;
  /**
   * Begins the flow of the body (or, upgraded, of raw bytes); `pause` and `resume` hold and restart it. Nobody is told
   * to go on by this: a visitor that expects 100 waits for one that comes through `informational`, or sends anyway.
   */
  startBody(): void;
  pauseBody(): void;
  resumeBody(): void;
  /** A 1xx, 100 as well; not sent to HTTP/1.0. */
  informational(status: number, reason: string, fields: readonly string[]): void;
  /** The head; with a status of 101 the connection becomes raw bytes. `closes`: it ends with this answer. */
  head(status: number, reason: string, fields: readonly string[], closes: boolean): void;
  /** False: wait for `onDrained`. */
  write(chunk: Buffer): boolean;
  end(trailers: readonly string[]): void;
  /** True: no byte of the answer went out yet, and it is as if its head had not been given. */
  takeBack(): boolean;
  /** The answer was cut and must look so. */
  cut(): void;
}

export interface VisitorListener {
  onBody(chunk: Buffer): void;
  onBodyEnd(trailers: readonly string[]): void;
  /** What came behind the head is no body, or came too slowly: no more of it comes, and the answer is to say so. */
  onRefused(refusal: Refusal): void;
  onDrained(): void;
  /** Once, last: the answer is out, or the visitor is gone. */
  onFinished(isComplete: boolean): void;
}

/** A rule of HTTP or a limit that a visitor broke, and what it is answered with. */
export interface Refusal {
  /** Stable, for logs: `bad-length`. */
  readonly code: string;
  /** `RFC 9110 §8.6`. */
  readonly rule: string;
  readonly text: string;
  readonly status: 400 | 408 | 414 | 417 | 431 | 501 | 505;
}

/** An answer of our own. `fields`: flat, end to end, with Content-Length. */
export interface OwnAnswer {
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly string[];
  readonly body: Buffer;
}

export interface VisitorHandler {
  /** Connections that carry a link of the tunnel now, and how many there may be: they are no visitors. */
  readonly passingLinks?: number;
  readonly maxPassingLinks?: number;
  onRequest(exchange: VisitorExchange): void;
  /** For what became no exchange: it is counted and logged; whoever calls sends the answer and ends the connection. */
  onRefused(refusal: Refusal, peer: Peer): OwnAnswer;
  limitHit(limit: string): void;
}

/** What a connection looks up as it needs it. */
export interface VisitorLimits {
  readonly headTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** 0: a body may come as slowly as it likes. */
  readonly bodyMinBytesPerS: number;
  /** For so long a body may be slower than that. */
  readonly bodyGraceMs: number;
  /** So long an answer may wait for its visitor to take any of it. */
  readonly answerStallTimeoutMs: number;
}

export interface VisitorOptions extends VisitorLimits {
  readonly host: string;
  readonly port: number;
  /** Open at once, of all listeners together. */
  readonly connections: number;
  readonly requestHeadBytes: number;
}

/** These alone, of options that have more. */
export function visitorLimits(options: VisitorLimits): VisitorLimits {
  const { headTimeoutMs, keepAliveTimeoutMs, bodyMinBytesPerS, bodyGraceMs, answerStallTimeoutMs } = options;
  return { headTimeoutMs, keepAliveTimeoutMs, bodyMinBytesPerS, bodyGraceMs, answerStallTimeoutMs };
}

/** What speaks one version of HTTP on connections that a listener has accepted. */
export interface VisitorProtocol {
  /** `raw`: what carries it; `socket` itself without TLS. */
  accept(socket: Socket, peer: Peer, raw: Socket): void;
  /** Connections open now. */
  readonly connections: number;
  /**
   * Open connections are told to close on their next answer, idle ones too, which are closed after a grace. Resolves when
   * nobody can be about to send on a connection that was idle.
   */
  drain(): Promise<void>;
  /** Resolves when every connection has ended; after a grace it is cut. */
  close(): Promise<void>;
}

/** All listeners of an entry and what speaks on their connections. */
export interface Visitors {
  readonly port: number;
  /** Null: there is none. */
  readonly tlsPort: number | null;
  readonly connections: number;
  /** Beyond it they are closed at once. */
  readonly connectionLimit: number;
  /** Takes no new connections; else as each protocol does. */
  drain(): Promise<void>;
  close(): Promise<void>;
}
