/** Where visitors come in: the ports, and what speaks on the connections that they take. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, ListenOptions as ListenPlace, Server, Socket } from 'node:net';
import { keepAlive } from '@sallyport/protocol';
import { trustOf } from '../fields/addresses.ts';
import type { HandshakeFailure } from '../tls/handshake-failures.ts';
import type { TlsMaterial } from '../tls/material.ts';
import { connectionLimit, FILES_OF_LINK } from './descriptors.ts';
import { sayLast } from './last-answer.ts';
import { lookForPreface, readFirstBytes } from './first-bytes.ts';
import { HandedOnError } from './handed-on.ts';
import type { HandedOn, PortName } from './handed-on.ts';
import { Http1Visitors } from './http1-visitors.ts';
import { Http2Visitors } from './http2-visitors.ts';
import type { Http2Options } from './http2-visitors.ts';
import { Lobby } from './lobby.ts';
import { BAD_PROXY_HEADER, lookForProxyHeader, withoutMapping } from './proxy-protocol.ts';
import { TlsPort } from './tls-port.ts';
import type { Peer, Refusal, VisitorHandler, VisitorProtocol, Visitors } from './transport.ts';

/** What a socket is read by. */
const READ_BYTES = 65_536;
const SOCKETS = { allowHalfOpen: true, noDelay: true, highWaterMark: READ_BYTES } as const;

/** HTTP in clear text on the port for TLS: the one answer that is given there without TLS. */
const CLEAR_TEXT: Refusal = {
  code: 'clear-text',
  rule: 'RFC 9110 §4.2.2',
  text: 'HTTP without TLS on the port for TLS',
  status: 400,
};

export interface ListenOptions extends Http2Options {
  readonly http2: Http2Options['http2'] & {
    /** Spoken on the plain port with who begins with it. */
    readonly cleartext: boolean;
  };
  /** CIDR networks of balancers that begin each connection with a PROXY header. */
  readonly proxyProtocolFrom: readonly string[];
}

/** Visitors whose limits can be changed. */
export interface ConfiguredVisitors extends Visitors {
  /** In force for connections from now on, and for open ones where a limit is looked up as it is needed. Ports stay. */
  configure(options: ListenOptions): void;
}

/**
 * Rejects with Node's own error when a port cannot be had, with a HandedOnError when a socket has no use. `material`:
 * null, no TLS. `sockets` are listened at in place of the ports that are configured.
 */
export async function listenVisitors(
  options: ListenOptions,
  handler: VisitorHandler,
  material: TlsMaterial | null = null,
  sockets: HandedOn = new Map(),
): Promise<ConfiguredVisitors> {
  if (material === null && sockets.has('https'))
    throw new HandedOnError('a socket for https, but there is no TLS here');
  const ports = new VisitorPorts(options, handler, material);
  try {
    await ports.listen(sockets);
    return ports;
  } catch (error) {
    await ports.close();
    throw error;
  }
}

class VisitorPorts implements ConfiguredVisitors {
  #options: ListenOptions;
  readonly #handler: VisitorHandler;
  #limit: number;
  #isBalancer: (address: string) => boolean;
  readonly #lobby = new Lobby();
  readonly #http1: Http1Visitors;
  readonly #http2: Http2Visitors;
  readonly #plainServer: Server;
  readonly #tlsServer: Server | null;
  readonly #tls: TlsPort | null;
  readonly #material: TlsMaterial | null;

  constructor(options: ListenOptions, handler: VisitorHandler, material: TlsMaterial | null) {
    this.#options = options;
    this.#handler = handler;
    this.#material = material;
    this.#limit = this.#limitOf(options);
    this.#isBalancer = trustOf(options.proxyProtocolFrom);
    this.#http1 = new Http1Visitors(options, handler);
    this.#http2 = new Http2Visitors(options, handler);
    const events = { onSecure: this.#onSecure.bind(this), onFailed: this.#onFailed.bind(this) };
    this.#tls = material === null ? null : new TlsPort(material, events);
    this.#plainServer = createServer(SOCKETS, (socket) => this.#accept(socket, this.#onPlain));
    const untilSecure = { ...SOCKETS, allowHalfOpen: false };
    this.#tlsServer =
      material === null ? null : createServer(untilSecure, (socket) => this.#accept(socket, this.#onTls));
  }

  configure(options: ListenOptions): void {
    this.#options = options;
    this.#limit = this.#limitOf(options);
    this.#isBalancer = trustOf(options.proxyProtocolFrom);
    this.#http1.configure(options);
    this.#http2.configure(options);
  }

  #limitOf({ connections }: ListenOptions): number {
    return connectionLimit(connections, FILES_OF_LINK * (this.#handler.maxPassingLinks ?? 0));
  }

  async listen(sockets: HandedOn): Promise<void> {
    const place = (name: PortName, port: number) => {
      const fd = sockets.get(name);
      return fd === undefined ? { host: this.#options.host, port } : { fd };
    };
    await listen(this.#plainServer, place('http', this.#options.port));
    if (this.#tlsServer !== null) await listen(this.#tlsServer, place('https', this.#material!.config.port));
  }

  get port(): number {
    return portOf(this.#plainServer);
  }

  get tlsPort(): number | null {
    return this.#tlsServer === null ? null : portOf(this.#tlsServer);
  }

  get connectionLimit(): number {
    return this.#limit;
  }

  get connections(): number {
    const all = this.#http1.connections + this.#http2.connections + this.#lobby.size;
    return all - (this.#handler.passingLinks ?? 0);
  }

  async drain(): Promise<void> {
    this.#stopListening();
    await Promise.all([this.#http1.drain(), this.#http2.drain()]);
  }

  async close(): Promise<void> {
    this.#stopListening();
    await Promise.all([this.#http1.close(), this.#http2.close()]);
  }

  #stopListening(): void {
    this.#plainServer.close();
    this.#tlsServer?.close();
    this.#lobby.clear();
  }

  /** One limit for all ports. Then it is known for whom the connection speaks. */
  #accept(socket: Socket, next: (socket: Socket, remoteAddress: string) => void): void {
    if (this.connections >= this.#limit) {
      this.#handler.limitHit('connections');
      socket.destroy();
      return;
    }
    // It was reset before it was taken: nobody is there to be answered, and who it was is not known any more.
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    keepAlive(socket);
    const address = withoutMapping(socket.remoteAddress);
    if (!this.#isBalancer(address)) return next(socket, address);
    this.#lobby.enter(socket, this.#options.headTimeoutMs, () => this.#handler.limitHit('proxy-header'));
    readFirstBytes(socket, lookForProxyHeader, (header) => {
      this.#lobby.leave(socket);
      if (header.kind === 'read') return next(socket, header.source ?? address);
      // Counted and told as any request that was refused; to a balancer there is nothing to say.
      this.#handler.onRefused(BAD_PROXY_HEADER, { remoteAddress: address, scheme: 'http' });
      socket.destroy();
    });
  }

  readonly #onPlain = (socket: Socket, remoteAddress: string): void => {
    const peer: Peer = { remoteAddress, scheme: 'http' };
    if (!this.#options.http2.cleartext) return this.#speak(this.#http1, socket, peer, socket);
    this.#lobby.enter(socket, this.#options.headTimeoutMs, () => this.#handler.limitHit('head-timeout'));
    readFirstBytes(socket, lookForPreface, (isHttp2) => {
      this.#lobby.leave(socket);
      this.#speak(isHttp2 ? this.#http2 : this.#http1, socket, peer, socket);
    });
  };

  readonly #onTls = (socket: Socket, remoteAddress: string): void => {
    this.#lobby.enter(socket, this.#material!.config.handshakeTimeoutMs, () => {
      this.#tls!.forget(socket);
      this.#handler.limitHit('handshake');
      this.#material!.failures.add({ cause: 'late', code: 'HANDSHAKE_TIMEOUT' });
    });
    this.#tls!.accept(socket, remoteAddress);
  };

  #speak(protocol: VisitorProtocol, socket: Socket, peer: Peer, raw: Socket): void {
    protocol.accept(socket, peer, raw);
    // What was read ahead waits in it; HTTP/2 takes that by itself.
    if (protocol === this.#http1 && socket.isPaused()) socket.resume();
  }

  #onSecure(raw: Socket, socket: Socket, peer: Peer, isHttp2: boolean): void {
    if (this.#lobby.leave(raw)) this.#speak(isHttp2 ? this.#http2 : this.#http1, socket, peer, raw);
    else socket.destroy();
  }

  #onFailed(raw: Socket, failure: HandshakeFailure): void {
    this.#lobby.leave(raw);
    this.#material!.failures.add(failure);
    if (failure.cause !== 'clear_text') return;
    const peer: Peer = { remoteAddress: withoutMapping(raw.remoteAddress ?? ''), scheme: 'http' };
    sayLast(raw, this.#handler.onRefused(CLEAR_TEXT, peer), false);
    raw.end();
  }
}

async function listen(server: Server, place: ListenPlace): Promise<void> {
  server.listen(place);
  await once(server, 'listening');
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
