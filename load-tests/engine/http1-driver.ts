import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import { bodyBytes } from './body.ts';
import type { Driver, DriverOptions } from './driver.ts';
import { Exchange } from './exchange.ts';
import type { AnswerFields, ExchangeOwner } from './exchange.ts';

const ALPN = ['http/1.1'];
/**
 * Idle connections are given up after this long (or the server's hint less 1 s), so that a server that drops them
 * after a few seconds does not turn our reuse into its error.
 */
const KEEP_ALIVE_IDLE_MS = 1000;

/** HTTP/1.1 by undici: one request at a time on a connection, a connection to each request in flight. */
export class Http1Driver implements Driver {
  readonly #pool: Pool;
  readonly #requests: Dispatcher.DispatchOptions[];

  constructor({ plan, connector, maxConnections }: DriverOptions) {
    const isFresh = plan.connectionUse === 'fresh';
    this.#requests = plan.requests.map(({ method, path, headers, body }) => ({
      method,
      path,
      headers,
      body: bodyBytes(body),
      reset: isFresh,
    }));
    this.#pool = new Pool(plan.origin, {
      connections: maxConnections,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_IDLE_MS,
      connect: (_options, callback) => {
        connector.open(ALPN, (error, socket) => (error === null ? callback(null, socket) : callback(error, null)));
      },
      // One clock for all of a request's phases: `ArmLoad.sweep`.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  exchange(owner: ExchangeOwner): Http1Exchange {
    return new Http1Exchange(owner);
  }

  send(exchange: Http1Exchange, request: number): void {
    this.#pool.dispatch(this.#requests[request] as Dispatcher.DispatchOptions, exchange);
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** An exchange that is undici's handler as well. */
class Http1Exchange extends Exchange implements Dispatcher.DispatchHandler {
  #controller: Dispatcher.DispatchController | null = null;

  /**
   * Without effect before undici has taken the request up, which is while it connects: then the connector's timeout
   * ends it.
   */
  override abort(error: Error): void {
    this.#controller?.abort(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, fields: AnswerFields): void {
    this.head(status, fields);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.data(chunk);
  }

  onResponseEnd(): void {
    this.#controller = null;
    this.finish(null);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#controller = null;
    this.finish(error);
  }
}
