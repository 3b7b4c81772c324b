/**
 * A connection to a server through an HTTP proxy, by CONNECT (RFC 9110 §9.3.6) for wss:// and ws:// alike, as RFC 6455
 * §4.1 asks: a proxy that is asked to GET drops the upgrade.
 */
import { Agent, request as httpRequest } from 'node:http';
import type { ClientRequest, ClientRequestArgs, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectSecurely } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import type { Proxy } from './proxy.ts';

/** The proxy did not let us through; the message says why, and names no credential. */
export class TunnelError extends Error {
  readonly code: 'SP_PROXY_UNREACHABLE' | 'SP_PROXY_AUTHORIZATION' | 'SP_PROXY_REFUSED';

  constructor(code: TunnelError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export interface TunnelOptions {
  readonly proxy: Proxy;
  /** TLS with the server, inside. */
  readonly isTls: boolean;
  /** For the proxy's answer. */
  readonly timeoutMs: number;
}

type Done = (error: Error | null, socket?: Duplex) => void;

/** For one request: its socket is a tunnel. `destroy()` ends one that is not there yet. */
export class TunnelAgent extends Agent {
  /** Node compares it with that of the request. */
  readonly protocol: string;
  readonly #options: TunnelOptions;
  #connect: ClientRequest | null = null;

  constructor(options: TunnelOptions) {
    super({ keepAlive: false });
    this.protocol = options.isTls ? 'https:' : 'http:';
    this.#options = options;
  }

  override createConnection(asked: ClientRequestArgs, done: Done): undefined {
    const { proxy, isTls, timeoutMs } = this.#options;
    const host = String(asked.host);
    this.#connect = openTunnel(proxy, targetOf(host, Number(asked.port)), timeoutMs, done, (socket) => {
      done(null, isTls ? secured(socket, host, asked as ConnectionOptions) : socket);
    });
  }

  override destroy(): void {
    this.#connect?.destroy();
    super.destroy();
  }
}

/** A tunnel to `host`, the caller's to end. Rejects with a TunnelError. */
export function dig(proxy: Proxy, host: string, port: number, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => openTunnel(proxy, targetOf(host, port), timeoutMs, reject, resolve));
}

function targetOf(host: string, port: number): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

function secured(socket: Socket, host: string, asked: ConnectionOptions): Socket {
  const { servername = isIP(host) === 0 ? host : '' } = asked;
  // `path` is that of the request, and would be taken for a socket's.
  return connectSecurely({ ...asked, path: undefined, host, servername, socket });
}

/** Asks `proxy` for `target` (`host:port`); one of the two is called, once. */
function openTunnel(
  proxy: Proxy,
  target: string,
  timeoutMs: number,
  failed: (error: TunnelError) => void,
  opened: (socket: Socket) => void,
): ClientRequest {
  const { host, port, isTls, authorization } = proxy;
  const headers = { Host: target, ...(authorization === null ? {} : { 'Proxy-Authorization': authorization }) };
  const asked = { host, port, method: 'CONNECT', path: target, headers, agent: false } as const;
  const connect = isTls ? httpsRequest(asked) : httpRequest(asked);
  const timer = setTimeout(() => connect.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
  connect.once('connect', (response: IncomingMessage, socket: Socket, head: Buffer) => {
    clearTimeout(timer);
    const { statusCode = 0 } = response;
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy();
      failed(refusal(proxy, target, statusCode));
      return;
    }
    if (head.length > 0) socket.unshift(head);
    socket.setNoDelay(true);
    opened(socket);
  });
  connect.once('error', (error: NodeJS.ErrnoException) => {
    clearTimeout(timer);
    failed(new TunnelError('SP_PROXY_UNREACHABLE', `${called(proxy)} gives no answer: ${error.code ?? error.message}`));
  });
  // An answer to CONNECT comes as 'connect', whatever its status; a close without one as 'error', unless it was ours.
  connect.once('close', () => clearTimeout(timer));
  connect.end();
  return connect;
}

function refusal(proxy: Proxy, target: string, status: number): TunnelError {
  if (status !== 407) {
    return new TunnelError('SP_PROXY_REFUSED', `${called(proxy)} does not connect to ${target} (${status})`);
  }
  const what = proxy.authorization === null ? 'asks for credentials' : 'refuses the credentials that it was given';
  return new TunnelError('SP_PROXY_AUTHORIZATION', `${called(proxy)} ${what} (407)`);
}

function called({ name, variable }: Proxy): string {
  return `the proxy ${name} (${variable})`;
}
