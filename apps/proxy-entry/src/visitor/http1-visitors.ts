/** HTTP/1.1 with visitors by our own codec: their connections, and the clock that watches them. */
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { DEFAULT_LIMITS, MAX_FIELD_LINES } from '@sallyport/http1';
import { VisitorConnection } from './http1-connection.ts';
import type { ConnectionContext } from './http1-connection.ts';
import { visitorLimits } from './transport.ts';
import type { Peer, VisitorHandler, VisitorOptions, VisitorProtocol } from './transport.ts';

/** How late a time limit may be noticed. */
const CHECK_PERIOD_MS = 1_000;
/** A visitor may be about to send on a connection that is idle: for so long it is answered still, and told to close. */
const DRAIN_GRACE_MS = 1_000;
const CLOSE_GRACE_MS = 1_000;

export class Http1Visitors implements VisitorProtocol {
  readonly #connections = new Set<VisitorConnection>();
  readonly #context: ConnectionContext & { isDraining: boolean };
  readonly #timer: NodeJS.Timeout;

  constructor(options: VisitorOptions, handler: VisitorHandler) {
    this.#context = {
      handler,
      ...limitsOf(options),
      isDraining: false,
      onClosed: (connection) => this.#connections.delete(connection),
    };
    this.#timer = setInterval(() => this.#check(), CHECK_PERIOD_MS).unref();
  }

  /** Open connections look limits of time up as they need them; the size of a head is set when one is opened. */
  configure(options: VisitorOptions): void {
    Object.assign(this.#context, limitsOf(options));
  }

  get connections(): number {
    return this.#connections.size;
  }

  accept(socket: Socket, peer: Peer, raw: Socket): void {
    this.#connections.add(new VisitorConnection(this.#context, socket, peer, raw));
  }

  async drain(): Promise<void> {
    this.#context.isDraining = true;
    const idle = [...this.#connections].filter(({ isIdle }) => isIdle);
    const grace = setTimeout(() => closeIdle(idle), DRAIN_GRACE_MS);
    await allClosed(idle);
    clearTimeout(grace);
  }

  async close(): Promise<void> {
    this.#context.isDraining = true;
    closeIdle(this.#connections);
    const deadline = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
    }, CLOSE_GRACE_MS);
    await allClosed([...this.#connections]);
    clearTimeout(deadline);
    clearInterval(this.#timer);
  }

  #check(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections) connection.check(nowMs);
  }
}

function limitsOf(options: VisitorOptions) {
  return {
    ...visitorLimits(options),
    // The number of lines is checked in the head, which is what the setting is about.
    limits: {
      ...DEFAULT_LIMITS,
      headBytes: options.requestHeadBytes,
      startLineBytes: options.requestHeadBytes,
      headLines: MAX_FIELD_LINES,
    },
  };
}

function closeIdle(connections: Iterable<VisitorConnection>): void {
  for (const connection of connections) if (connection.isIdle) connection.destroy();
}

async function allClosed(connections: readonly VisitorConnection[]): Promise<void> {
  // Not events.once: that rejects where a visitor resets its connection.
  const closed = connections.map(({ socket }) => new Promise((resolve) => socket.once('close', resolve)));
  await Promise.all(closed);
}
