import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { bodyBytes } from './body.ts';
import type { Driver, DriverOptions } from './driver.ts';
import { BadAnswer } from './error-kinds.ts';
import { Exchange } from './exchange.ts';
import type { AnswerFields, ExchangeOwner } from './exchange.ts';
import { fieldsByName } from './fields.ts';

const ALPN = ['http/1.1'];
/** What the connection was opened with, and so what a message that came back is counted as. */
const SWITCHING_PROTOCOLS = 101;
const EMPTY = new Uint8Array(0);

/**
 * WebSocket echo (RFC 6455) by ws: a request is a binary message, its answer the same number of bytes. One message at a
 * time on a connection, so that an echo needs no name; a connection to each message in flight, of the request's path
 * and fields. Compression is off.
 */
export class WebSocketDriver implements Driver {
  readonly #options: DriverOptions;
  readonly #messages: Uint8Array[];
  readonly #isFresh: boolean;
  /** By request: open connections that wait for a message. At most as many as were in flight. */
  readonly #free: EchoConnection[][];
  readonly #all = new Set<EchoConnection>();

  constructor(options: DriverOptions) {
    const { requests, connectionUse } = options.plan;
    this.#options = options;
    this.#isFresh = connectionUse === 'fresh';
    this.#messages = requests.map(({ body }) => bodyBytes(body) ?? EMPTY);
    this.#free = requests.map(() => []);
  }

  exchange(owner: ExchangeOwner): EchoExchange {
    return new EchoExchange(owner);
  }

  send(exchange: EchoExchange, request: number): void {
    const connection = this.#free[request]?.pop() ?? this.#open(request);
    connection.echo(exchange, this.#messages[request] ?? EMPTY);
  }

  close(): Promise<void> {
    for (const connection of this.#all) connection.cut();
    return Promise.resolve();
  }

  #open(request: number): EchoConnection {
    const { plan, connector } = this.#options;
    const { path, headers } = plan.requests[request] ?? { path: '/', headers: [] };
    const socket = new WebSocket(plan.origin + path, {
      headers: fieldsByName(headers),
      perMessageDeflate: false,
      createConnection: () => connector.open(ALPN, () => undefined),
    });
    const connection = new EchoConnection(socket, {
      onIdle: () => {
        if (this.#isFresh) connection.cut();
        else this.#free[request]?.push(connection);
      },
      onClose: () => {
        this.#all.delete(connection);
        const free = this.#free[request] ?? [];
        const at = free.indexOf(connection);
        if (at !== -1) free.splice(at, 1);
      },
    });
    this.#all.add(connection);
    return connection;
  }
}

/** A connection and the one message that is under way on it. */
class EchoConnection {
  readonly #socket: WebSocket;
  readonly #onIdle: () => void;
  #exchange: EchoExchange | null = null;
  #message: Uint8Array = EMPTY;

  constructor(socket: WebSocket, { onIdle, onClose }: { onIdle: () => void; onClose: () => void }) {
    this.#socket = socket;
    this.#onIdle = onIdle;
    socket.on('open', () => this.#write());
    socket.on('message', (data) => this.#echoed(data as Buffer));
    socket.on('unexpected-response', (_request, response) => this.#refused(response));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => {
      onClose();
      this.#fail(Object.assign(new Error(), { code: 'UND_ERR_SOCKET' }));
    });
  }

  echo(exchange: EchoExchange, message: Uint8Array): void {
    this.#exchange = exchange;
    this.#message = message;
    exchange.connection = this;
    if (this.#socket.readyState === WebSocket.OPEN) this.#write();
  }

  /** Ends it at once; a message under way fails with `error`. */
  cut(error: Error | null = null): void {
    if (error !== null) this.#fail(error);
    this.#socket.terminate();
  }

  #write(): void {
    this.#socket.send(this.#message, { binary: true });
  }

  #echoed(data: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === null || data.length !== this.#message.length) return this.cut(new BadAnswer());
    this.#exchange = null;
    exchange.echoed(data);
    this.#onIdle();
    exchange.conclude(null);
  }

  #refused(response: IncomingMessage): void {
    this.#exchange?.refused(response.statusCode ?? 0, response.headers);
    response.on('data', (chunk: Buffer) => this.#exchange?.received(chunk));
    response.on('end', () => {
      const exchange = this.#exchange;
      this.#exchange = null;
      exchange?.conclude(null);
      this.#socket.terminate();
    });
    response.on('error', (error) => this.cut(error));
  }

  #fail(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.conclude(error);
  }
}

class EchoExchange extends Exchange {
  connection: EchoConnection | null = null;

  echoed(data: Buffer): void {
    this.head(SWITCHING_PROTOCOLS, {});
    this.data(data);
    this.settle(null);
  }

  refused(status: number, fields: AnswerFields): void {
    this.head(status, fields);
  }

  received(chunk: Buffer): void {
    this.data(chunk);
  }

  conclude(error: Error | null): void {
    this.connection = null;
    this.finish(error);
  }

  override abort(error: Error): void {
    this.connection?.cut(error);
  }
}
