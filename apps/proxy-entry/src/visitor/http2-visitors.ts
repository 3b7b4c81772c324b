/** HTTP/2 with visitors on node:http2: their connections, and the clock that watches them. */
import type { ServerSessionOptions } from 'node:http2';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Http2Connection } from './http2-connection.ts';
import type { Http2Context, Http2Limits } from './http2-connection.ts';
import { visitorLimits } from './transport.ts';
import type { Peer, VisitorHandler, VisitorOptions, VisitorProtocol } from './transport.ts';

export interface Http2Options extends VisitorOptions {
  readonly requestHeadLines: number;
  readonly http2: Http2Limits & { readonly windowBytes: number };
}

/** How late a time limit, or a flood of frames that nobody shows us, may be noticed. */
const CHECK_PERIOD_MS = 1_000;
const CLOSE_GRACE_MS = 1_000;

export class Http2Visitors implements VisitorProtocol {
  readonly #connections = new Set<Http2Connection>();
  readonly #context: Http2Context;
  readonly #timer: NodeJS.Timeout;
  #isDraining = false;

  constructor(options: Http2Options, handler: VisitorHandler) {
    this.#context = {
      ...limitsOf(options),
      handler,
      onClosed: (connection) => this.#connections.delete(connection),
    };
    this.#timer = setInterval(() => this.#check(), CHECK_PERIOD_MS).unref();
  }

  /** Open connections look limits of time up as they need them; budgets and windows are set when one is opened. */
  configure(options: Http2Options): void {
    Object.assign(this.#context, limitsOf(options));
  }

  get connections(): number {
    return this.#connections.size;
  }

  accept(socket: Socket, peer: Peer): void {
    if (socket.destroyed) return;
    const connection = new Http2Connection(this.#context, socket, peer);
    this.#connections.add(connection);
    if (this.#isDraining) connection.drain();
  }

  drain(): Promise<void> {
    this.#leave();
    // GOAWAY says what was taken: who was about to send knows that it may ask again.
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#leave();
    const deadline = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
    }, CLOSE_GRACE_MS);
    const sockets = [...this.#connections].map(({ socket }) => socket);
    // Not events.once: that rejects where a visitor resets its connection.
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    clearTimeout(deadline);
    clearInterval(this.#timer);
  }

  #leave(): void {
    this.#isDraining = true;
    for (const connection of this.#connections) connection.drain();
  }

  #check(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections) connection.check(nowMs);
  }
}

function limitsOf(options: Http2Options) {
  return {
    ...visitorLimits(options),
    ...options.http2,
    session: sessionOptions(options),
    requestHeadBytes: options.requestHeadBytes,
  };
}

/** What nghttp2 and Node count by themselves is left so far off that ours is reached before. */
function sessionOptions(options: Http2Options): ServerSessionOptions {
  const { requestHeadBytes, requestHeadLines, http2 } = options;
  return {
    settings: {
      maxConcurrentStreams: http2.concurrentStreams,
      initialWindowSize: http2.windowBytes,
      // As RFC 9113 §6.5.2 counts, and twice what is taken: so who goes over it a little is told so by a 431.
      maxHeaderListSize: 2 * requestHeadBytes + FIELD_OVERHEAD_BYTES * requestHeadLines,
      enableConnectProtocol: true,
    },
    maxHeaderListPairs: 2 * requestHeadLines,
    // Over it Node would end the session; the wire's own caps on a head are below.
    maxSendHeaderBlockLength: MAX_ANSWER_HEAD_BYTES,
    // In megabytes; what bounds it are the streams and their windows.
    maxSessionMemory: MAX_SESSION_MEGABYTES,
    // Repeated fields of an answer are the backend's matter.
    strictSingleValueFields: false,
    // Refused by us: Node would leave such a field out and tell nobody.
    strictFieldWhitespaceValidation: false,
    // Its default takes a shared connection down after some 1,000 requests that their visitors took back.
    streamResetBurst: NEVER,
    streamResetRate: NEVER,
    // A count for ever, where ours is of bytes a second.
    maxSessionInvalidFrames: NEVER,
    maxSessionRejectedStreams: http2.concurrentStreams,
  };
}

const FIELD_OVERHEAD_BYTES = 32;
const MAX_ANSWER_HEAD_BYTES = 1_048_576;
const MAX_SESSION_MEGABYTES = 1_024;
const NEVER = 2 ** 32 - 1;
