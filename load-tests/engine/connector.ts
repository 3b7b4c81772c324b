import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import type { SecureContext, TLSSocket } from 'node:tls';
import { monotonicMs } from './clock.ts';
import { ConnectionCounts } from './connection-counts.ts';
import { ConnectTimeout } from './error-kinds.ts';
import type { ArmPlan } from './plan.ts';

const HTTPS_PORT = 443;
const HTTP_PORT = 80;

/** Opens an arm's connections, the same way for every protocol, and counts them. */
export class Connector {
  /** Where openings are counted from here on. */
  counts = new ConnectionCounts();
  readonly #host: string;
  readonly #port: number;
  readonly #timeoutMs: number;
  readonly #isResuming: boolean;
  /** Null without TLS. Made once: parsing certificates for every connection would be most of its cost. */
  readonly #context: SecureContext | null;
  readonly #opening = new Set<Socket>();
  #session: Buffer | undefined;

  /** @throws Error when certificate, key or authority are not PEM or do not belong together */
  constructor({ origin, tls }: Pick<ArmPlan, 'origin' | 'tls'>, timeoutMs: number) {
    const { protocol, hostname, port } = new URL(origin);
    const isSecure = protocol === 'https:' || protocol === 'wss:';
    this.#host = hostname.replace(/^\[|\]$/g, '');
    this.#port = port === '' ? (isSecure ? HTTPS_PORT : HTTP_PORT) : Number(port);
    this.#timeoutMs = timeoutMs;
    this.#isResuming = tls?.isResuming ?? true;
    const { ca, cert, key } = tls ?? { ca: null, cert: null, key: null };
    this.#context = isSecure
      ? createSecureContext({ ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) })
      : null;
  }

  get isSecure(): boolean {
    return this.#context !== null;
  }

  /**
   * A connection in the making. `opened` is called once, with null or with what went wrong; later errors are the
   * caller's. One that is not open within the timeout is destroyed with `ConnectTimeout`.
   * @param alpn the protocols offered, RFC 7301; without TLS nothing is offered
   */
  open(alpn: string[], opened: (error: Error | null, socket: Socket) => void): Socket {
    const startMs = monotonicMs();
    const socket = this.#context === null ? this.#plain() : this.#secure(this.#context, alpn);
    const timer = setTimeout(() => socket.destroy(new ConnectTimeout()), this.#timeoutMs);
    const settled = (): boolean => {
      clearTimeout(timer);
      return !this.#opening.delete(socket);
    };
    this.#opening.add(socket);
    socket.setNoDelay(true);
    socket.once(this.#context === null ? 'connect' : 'secureConnect', () => {
      if (settled()) return;
      this.#count(socket, monotonicMs() - startMs);
      opened(null, socket);
    });
    socket.on('error', (error) => {
      if (!settled()) opened(error, socket);
    });
    socket.once('close', settled);
    return socket;
  }

  /** Gives up what is being opened. */
  close(): void {
    for (const socket of this.#opening) socket.destroy();
  }

  #plain(): Socket {
    return connectTcp({ host: this.#host, port: this.#port });
  }

  #secure(secureContext: SecureContext, ALPNProtocols: string[]): TLSSocket {
    const socket = connectTls({
      host: this.#host,
      port: this.#port,
      // A name goes into SNI, an address must not (RFC 6066 §3).
      servername: isIP(this.#host) === 0 ? this.#host : '',
      secureContext,
      ALPNProtocols,
      ...(this.#session && { session: this.#session }),
    });
    if (this.#isResuming) {
      socket.on('session', (session: Buffer) => {
        this.#session = session;
      });
    }
    return socket;
  }

  #count(socket: Socket, tookMs: number): void {
    this.counts.connects += 1;
    this.counts.openMs.record(tookMs);
    if (this.#context === null) return;
    this.counts.tlsHandshakes += 1;
    if ((socket as TLSSocket).isSessionReused()) this.counts.tlsResumed += 1;
  }
}
