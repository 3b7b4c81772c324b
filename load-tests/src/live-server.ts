import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LiveMetrics } from './live-metrics.ts';

/** Scrapers and curious people. */
const MAX_CONNECTIONS = 32;
const REQUEST_TIMEOUT_MS = 5000;
/** Who connects and says nothing takes the place of who would scrape. */
const HEADERS_TIMEOUT_MS = 1000;
const CHECKING_INTERVAL_MS = 500;
/** How long a finished run stays for the next scrape: a little over the interval that most choose, 15 s. */
const LAST_SCRAPE_MS = 20_000;

/** `/metrics` of one load test, for as long as it runs. Needs no credential: there is nothing in it but figures. */
export class LiveServer {
  readonly metrics = new LiveMetrics();
  readonly #server: Server;
  /** `updates` of what was last scraped; null: nobody has come by. */
  #scraped: number | null = null;
  #onScrape: (() => void) | null = null;

  private constructor() {
    const limits = {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECKING_INTERVAL_MS,
    };
    this.#server = createServer(limits, (request, response) => void this.#answer(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Rejects with Node's own error (`EADDRINUSE` …) where it cannot listen. */
  static async open({ host, port }: { host: string; port: number }): Promise<LiveServer> {
    const live = new LiveServer();
    live.#server.listen(port, host);
    await once(live.#server, 'listening');
    return live;
  }

  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/metrics`;
  }

  /** Somebody scrapes, and has not fetched the last figures. */
  get isAwaited(): boolean {
    return this.#scraped !== null && this.#scraped < this.metrics.updates;
  }

  /**
   * Ends it. Where somebody scrapes, the last figures wait to be fetched, for 20 s or until `signal` aborts: the end of a
   * run is what is asked for most. Safe to call again when it has closed.
   */
  async close(signal: AbortSignal): Promise<void> {
    if (!this.#server.listening) return;
    if (this.isAwaited) await this.#nextScrape(signal);
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #nextScrape(signal: AbortSignal): Promise<void> {
    const scraped = Promise.withResolvers<void>();
    const timer = setTimeout(scraped.resolve, LAST_SCRAPE_MS);
    this.#onScrape = scraped.resolve;
    signal.addEventListener('abort', this.#onScrape, { once: true });
    if (signal.aborted) scraped.resolve();
    await scraped.promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', this.#onScrape);
  }

  async #answer({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path] = (url ?? '').split('?', 1);
    if (path !== '/metrics' || (method !== 'GET' && method !== 'HEAD')) {
      response.writeHead(404).end();
      return;
    }
    const { metrics } = this;
    const { updates } = metrics;
    if (method === 'GET') {
      response.once('finish', () => {
        this.#scraped = updates;
        this.#onScrape?.();
      });
    }
    response.setHeader('content-type', metrics.contentType);
    response.end(await metrics.text());
  }
}
