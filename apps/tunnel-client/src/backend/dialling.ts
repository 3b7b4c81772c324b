/** Sockets to one backend: TCP, TLS or a Unix socket, as its URL says. */
import { connect as connectTcp } from 'node:net';
import type { Socket, SocketConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { keepAlive } from '@sallyport/protocol';
import { hostOf, tlsName } from './tls-name.ts';
import type { BackendOptions } from './transport.ts';

/** Where bytes are read to, and who is told; see `net.connect`. */
export interface OnRead {
  readonly buffer: Uint8Array;
  readonly callback: (bytes: number, buffer: Uint8Array) => boolean;
}

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

export class Dialling {
  /** The event by which a socket says that it may be used. */
  readonly readyEvent: 'connect' | 'secureConnect';
  readonly #tcp: SocketConnectOpts | null;
  readonly #tls: ConnectionOptions | null;
  readonly #common: { readonly noDelay: boolean; readonly allowHalfOpen: boolean };
  /** The last one that the backend gave: the next handshake is a short one (RFC 8446 §2.2). */
  #session: Buffer | null = null;

  /** `alpn`: what is to be spoken over TLS. */
  constructor(options: BackendOptions, alpn: 'http/1.1' | 'h2') {
    const isTls = options.url.startsWith('https:');
    this.readyEvent = isTls ? 'secureConnect' : 'connect';
    // Over HTTP/1.1 each side ends by itself behind a 101, and we say when at any time.
    this.#common = { noDelay: true, allowHalfOpen: alpn === 'http/1.1' };
    this.#tls = isTls ? tlsOptions(options, alpn) : null;
    this.#tcp = isTls ? null : tcpOptions(options.url);
  }

  /** Begins to connect. */
  dial(onread?: OnRead): Socket {
    const common = onread === undefined ? this.#common : { ...this.#common, onread };
    const socket = this.#tcp === null ? this.#dialTls(common) : connectTcp({ ...this.#tcp, ...common });
    // Its host may be gone without a word, and would hold a slot for ever.
    keepAlive(socket);
    return socket;
  }

  /**
   * Ends it so that nobody takes it for a clean end: TLS says by itself that no close_notify came, and a Unix socket knows
   * no reset.
   */
  cut(socket: Socket): void {
    if (this.#tcp === null || 'path' in this.#tcp) socket.destroy();
    else socket.resetAndDestroy();
  }

  #dialTls(common: object): Socket {
    const session = this.#session === null ? {} : { session: this.#session };
    const socket = connectTls({ ...this.#tls, ...session, ...common });
    return socket.on('session', (given) => (this.#session = given));
  }
}

function tcpOptions(url: string): SocketConnectOpts {
  if (url.startsWith('unix:')) return { path: url.slice('unix:'.length) };
  return { host: hostOf(url), port: Number(new URL(url).port) || HTTP_PORT };
}

function tlsOptions(options: BackendOptions, alpn: string): ConnectionOptions {
  return {
    host: hostOf(options.url),
    port: Number(new URL(options.url).port) || HTTPS_PORT,
    servername: tlsName(options),
    ALPNProtocols: [alpn],
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  };
}
