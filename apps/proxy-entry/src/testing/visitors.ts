/** The visitor transport with a test on both its sides: raw bytes in front, exchanges behind. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { TlsMaterial } from '../tls/material.ts';
import { listenVisitors as listen } from '../visitor/listen.ts';
import type { ConfiguredVisitors, ListenOptions } from '../visitor/listen.ts';
import type { Refusal, VisitorExchange, VisitorListener } from '../visitor/transport.ts';

/** With limits of time so wide that a machine which is held up for a while meets none. */
export const VISITOR_OPTIONS = {
  host: '127.0.0.1',
  port: 0,
  connections: 100,
  requestHeadBytes: 16_384,
  headTimeoutMs: 60_000,
  keepAliveTimeoutMs: 60_000,
  bodyMinBytesPerS: 0,
  bodyGraceMs: 60_000,
  answerStallTimeoutMs: 60_000,
  requestHeadLines: 1_000,
  proxyProtocolFrom: [],
  http2: {
    cleartext: false,
    concurrentStreams: 100,
    windowBytes: 65_536,
    resets: 1_000,
    resetsPerS: 100,
    controlFrames: 1_000,
    controlFramesPerS: 100,
    overheadBytes: 262_144,
    overheadBytesPerS: 65_536,
  },
};

const NO_BODY = Buffer.alloc(0);

/** Not events.once: that rejects where the connection ended by a reset. */
export async function whenClosed(socket: Socket): Promise<void> {
  await new Promise((resolve) => socket.once('close', resolve));
}

/** A visitor's connection, and what came over it. */
export class Visitor {
  readonly socket: Socket;
  #unread = '';
  #end: 'open' | 'end' | 'reset' = 'open';
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket
      .on('data', (chunk: Buffer) => {
        this.#unread += chunk.toString('latin1');
        this.#wake?.();
      })
      .on('end', () => this.#ended('end'))
      .on('error', () => this.#ended('reset'));
  }

  say(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** What comes up to and with `text`. */
  async hear(text: string): Promise<string> {
    for (;;) {
      const at = this.#unread.indexOf(text);
      if (at !== -1) return this.#take(at + text.length);
      assert.equal(this.#end, 'open', `ended before ${JSON.stringify(text)}: ${JSON.stringify(this.#unread)}`);
      await this.#more();
    }
  }

  /** All that is left, and how the connection ended. */
  async hearAll(): Promise<{ text: string; end: 'end' | 'reset' }> {
    while (this.#end === 'open') await this.#more();
    return { text: this.#take(this.#unread.length), end: this.#end };
  }

  #ended(how: 'end' | 'reset'): void {
    if (this.#end === 'open') this.#end = how;
    this.#wake?.();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #take(length: number): string {
    const taken = this.#unread.slice(0, length);
    this.#unread = this.#unread.slice(length);
    return taken;
  }
}

/** One exchange, and what its visitor did. */
export class Arrived implements VisitorListener {
  readonly exchange: VisitorExchange;
  body = '';
  trailers: readonly string[] | null = null;
  /** Set by a test that has given the head of an answer. */
  hasHead = false;
  readonly finished: Promise<boolean>;
  #finish: ((isComplete: boolean) => void) | null = null;
  #wake: (() => void) | null = null;

  constructor(exchange: VisitorExchange) {
    this.exchange = exchange;
    exchange.listener = this;
    this.finished = new Promise((resolve) => (this.#finish = resolve));
  }

  /** The body up to its end, or up to and with `text`. */
  async hear(text?: string): Promise<string> {
    while (text === undefined ? this.trailers === null : !this.body.includes(text)) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.body;
  }

  onBody(chunk: Buffer): void {
    this.body += chunk.toString('latin1');
    this.#wake?.();
  }

  onBodyEnd(trailers: readonly string[]): void {
    this.trailers = trailers;
    this.#wake?.();
  }

  /** As the entry does it: an answer, or a cut where one is on its way. */
  onRefused({ code, status }: Refusal): void {
    if (this.hasHead) return this.exchange.cut();
    this.exchange.head(status, code, ['Content-Length', '0'], true);
    this.exchange.end([]);
  }

  onDrained(): void {}

  onFinished(isComplete: boolean): void {
    this.#finish!(isComplete);
  }
}

export interface VisitorBench {
  readonly transport: ConfiguredVisitors;
  /** From now on, on open connections too: so a short limit is not met before the test is there to wait for it. */
  readonly configure: (changes: Partial<ListenOptions>) => void;
  /** Those that were reached, in order. */
  readonly limits: readonly string[];
  readonly visit: () => Promise<Visitor>;
  /** The next request. */
  readonly arrival: () => Promise<Arrived>;
}

export async function listenVisitors(
  t: TestContext,
  changes: Partial<ListenOptions> = {},
  material: TlsMaterial | null = null,
): Promise<VisitorBench> {
  const arrived: Arrived[] = [];
  const limits: string[] = [];
  let wake: (() => void) | null = null;
  const transport = await listen(
    { ...VISITOR_OPTIONS, ...changes },
    {
      onRequest: (exchange) => {
        arrived.push(new Arrived(exchange));
        wake?.();
      },
      onRefused: ({ code, status }) => ({ status, reason: code, fields: ['Content-Length', '0'], body: NO_BODY }),
      limitHit: (limit) => limits.push(limit),
    },
    material,
  );
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return transport.close();
  });
  return {
    transport,
    configure: (set) => transport.configure({ ...VISITOR_OPTIONS, ...changes, ...set }),
    limits,
    visit: async () => {
      const socket = connect({ port: transport.port, host: '127.0.0.1', allowHalfOpen: true });
      await once(socket, 'connect');
      sockets.push(socket);
      return new Visitor(socket);
    },
    arrival: async () => {
      while (arrived.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return arrived.shift()!;
    },
  };
}
