import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { bodyBytes } from './body.ts';
import type { Connector } from './connector.ts';
import type { Driver, DriverOptions } from './driver.ts';
import { NoHttp2 } from './error-kinds.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeOwner } from './exchange.ts';
import { fieldsByName } from './fields.ts';
import type { RequestPlan } from './plan.ts';

const ALPN = ['h2'];
/** Until the other side has once said how many streams it takes: the least that RFC 9113 §6.5.2 recommends. */
const FIRST_MAX_STREAMS = 100;
/** Node ends streams beyond 10 MB a session; a thousand in flight with bodies need more. */
const MAX_SESSION_MB = 256;

/** A connection and how many requests it carries. */
type Connection = { session: ClientHttp2Session; streams: number; maxStreams: number };

/**
 * HTTP/2 by node:http2, which undici's own is built upon. Requests share a connection up to the number of streams the
 * other side takes; beyond that another connection is opened, since nothing may wait inside the generator.
 */
export class Http2Driver implements Driver {
  readonly #origin: string;
  readonly #connector: Connector;
  readonly #isFresh: boolean;
  readonly #maxConnections: number;
  readonly #fields: OutgoingHttpHeaders[];
  readonly #bodies: (Uint8Array | null)[];
  readonly #shared: Connection[] = [];
  readonly #all = new Set<ClientHttp2Session>();
  #maxStreams = FIRST_MAX_STREAMS;

  constructor({ plan, connector, maxConnections }: DriverOptions) {
    this.#origin = plan.origin;
    this.#connector = connector;
    this.#isFresh = plan.connectionUse === 'fresh';
    this.#maxConnections = maxConnections ?? Infinity;
    this.#fields = plan.requests.map((request) => fieldsOf(request));
    this.#bodies = plan.requests.map(({ body }) => bodyBytes(body));
  }

  exchange(owner: ExchangeOwner): Http2Exchange {
    return new Http2Exchange(owner);
  }

  send(exchange: Http2Exchange, request: number): void {
    const connection = this.#isFresh ? this.#open() : this.#withRoom();
    const body = this.#bodies[request] ?? null;
    connection.streams += 1;
    const stream = connection.session.request(this.#fields[request], { endStream: body === null });
    exchange.follow(stream);
    stream.once('close', () => {
      connection.streams -= 1;
      if (this.#isFresh) connection.session.close();
    });
    if (body !== null) stream.end(body);
  }

  close(): Promise<void> {
    for (const session of this.#all) session.destroy();
    return Promise.resolve();
  }

  #withRoom(): Connection {
    for (const connection of this.#shared) if (connection.streams < connection.maxStreams) return connection;
    const [first] = this.#shared;
    if (first !== undefined && this.#shared.length >= this.#maxConnections) return first;
    const connection = this.#open();
    this.#shared.push(connection);
    return connection;
  }

  #open(): Connection {
    const session = connect(this.#origin, {
      maxSessionMemory: MAX_SESSION_MB,
      createConnection: () =>
        this.#connector.open(ALPN, (error, socket) => {
          if (error !== null || !this.#connector.isSecure) return;
          if ((socket as TLSSocket).alpnProtocol !== 'h2') session.destroy(new NoHttp2());
        }),
    });
    const connection = { session, streams: 0, maxStreams: this.#maxStreams };
    this.#all.add(session);
    session.on('remoteSettings', ({ maxConcurrentStreams }) => {
      this.#maxStreams = maxConcurrentStreams ?? Infinity;
      connection.maxStreams = this.#maxStreams;
    });
    const retire = (): void => {
      const at = this.#shared.indexOf(connection);
      if (at !== -1) this.#shared.splice(at, 1);
    };
    session.on('goaway', retire);
    // The streams say what went wrong; here it must only be heard.
    session.on('error', retire);
    session.on('close', () => {
      retire();
      this.#all.delete(session);
    });
    return connection;
  }
}

/** `host` becomes `:authority` (RFC 9113 §8.3.1). */
function fieldsOf({ method, path, headers }: RequestPlan): OutgoingHttpHeaders {
  const { host, ...fields } = fieldsByName(headers);
  return { ...fields, ':method': method, ':path': path, ...(host !== undefined && { ':authority': [host].flat()[0] }) };
}

/** An exchange that listens to one stream at a time; it is free again only once that stream has closed. */
class Http2Exchange extends Exchange {
  #stream: ClientHttp2Stream | null = null;
  #error: unknown = null;
  #hasEnded = false;
  readonly #onResponse = (fields: IncomingHttpHeaders): void => {
    this.head(Number(fields[':status']), fields);
  };
  readonly #onData = (chunk: Buffer): void => this.data(chunk);
  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (this.status !== 0) this.settle(null);
  };
  readonly #onError = (error: Error): void => {
    this.#error = error;
  };
  readonly #onClose = (): void => {
    const isBroken = this.status === 0 || !this.#hasEnded;
    this.#stream = null;
    this.finish(this.#error ?? (isBroken ? Object.assign(new Error(), { code: 'UND_ERR_SOCKET' }) : null));
  };

  follow(stream: ClientHttp2Stream): void {
    this.#stream = stream;
    this.#error = null;
    this.#hasEnded = false;
    stream.on('response', this.#onResponse);
    stream.on('data', this.#onData);
    stream.on('end', this.#onEnd);
    stream.on('error', this.#onError);
    stream.on('close', this.#onClose);
  }

  override abort(error: Error): void {
    this.#error = error;
    this.#stream?.close(constants.NGHTTP2_CANCEL);
    this.#stream?.destroy(error);
  }
}
