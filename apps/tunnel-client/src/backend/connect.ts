/** Sockets to the backend: TCP, TLS or a Unix socket, as its URL says. */
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { hostOf, tlsName } from './tls-name.ts';
import type { BackendOptions } from './transport.ts';

/** Where bytes are read to, and who is told; see `net.connect`. */
export interface OnRead {
  readonly buffer: Uint8Array;
  readonly callback: (bytes: number, buffer: Uint8Array) => boolean;
}

/** Begins to connect; 'connect', or over TLS 'secureConnect', says when it has. */
export function connect(options: BackendOptions, onread: OnRead): Socket {
  // Each side ends by itself behind a 101, and we say when at any time.
  const common = { onread, allowHalfOpen: true, noDelay: true };
  if (options.url.startsWith('unix:')) return connectTcp({ path: options.url.slice('unix:'.length), ...common });
  const { port, protocol } = new URL(options.url);
  const host = hostOf(options.url);
  if (protocol !== 'https:') return connectTcp({ host, port: Number(port) || 80, ...common });
  return connectTls({
    host,
    port: Number(port) || 443,
    servername: tlsName(options),
    ALPNProtocols: ['http/1.1'],
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...common,
  });
}
