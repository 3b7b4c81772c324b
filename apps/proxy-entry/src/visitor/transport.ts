/** The seams to visitors: what speaks with them, and a request with its answer. */
import type { Socket } from 'node:net';

/** Who is at the other end of a connection, as far as that is known before a request. */
export interface Peer {
  /** Of the visitor, or of the last proxy in front of us. */
  readonly remoteAddress: string;
  readonly scheme: 'http' | 'https';
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
  /** Begins the flow of the body (or, upgraded, of raw bytes); `pause` and `resume` hold and restart it. */
  startBody(): void;
  pauseBody(): void;
  resumeBody(): void;
  /** A 1xx; not sent to HTTP/1.0. */
  informational(status: number, reason: string, fields: readonly string[]): void;
  /** The head; with a status of 101 the connection becomes raw bytes. `closes`: it ends with this answer. */
  head(status: number, reason: string, fields: readonly string[], closes: boolean): void;
  /** False: wait for `onDrained`. */
  write(chunk: Buffer): boolean;
  end(trailers: readonly string[]): void;
  /** The answer was cut and must look so. */
  cut(): void;
}

export interface VisitorListener {
  onBody(chunk: Buffer): void;
  onBodyEnd(trailers: readonly string[]): void;
  onDrained(): void;
  /** Once, last: the answer is out, or the visitor is gone. */
  onFinished(isComplete: boolean): void;
}

/** What is refused before there is an exchange. */
export type AdmissionFailure = 'bad-request' | 'head-too-large' | 'head-timeout';

export interface VisitorHandler {
  onRequest(exchange: VisitorExchange): void;
  /** Answers the raw head to send before the connection is closed. */
  onRefused(failure: AdmissionFailure, remoteAddress: string): string;
  limitHit(limit: string): void;
}

export interface VisitorOptions {
  readonly host: string;
  readonly port: number;
  /** Open at once, of all listeners together. */
  readonly connections: number;
  readonly requestHeadBytes: number;
  readonly headTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
}

/** What speaks one version of HTTP on connections that a listener has accepted. */
export interface VisitorProtocol {
  accept(socket: Socket, peer: Peer): void;
  /** Connections open now. */
  readonly connections: number;
  /** Open connections are told to close on their next answer, idle ones are closed. */
  drain(): void;
  /** Resolves when every connection has ended; after a grace it is cut. */
  close(): Promise<void>;
}

/** All listeners of an entry and what speaks on their connections. */
export interface Visitors {
  readonly port: number;
  readonly connections: number;
  /** Takes no new connections; open ones are told to close on their next answer. */
  drain(): void;
  close(): Promise<void>;
}
