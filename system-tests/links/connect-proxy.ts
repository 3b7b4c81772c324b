/** An HTTP proxy that knows CONNECT alone, and resolves names of its own. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { IncomingMessage, RequestListener } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';

export interface ConnectProxy {
  readonly port: number;
  /** What it was asked for, with the credentials shown: `server.test:443 Basic …`. */
  readonly asked: string[];
}

export interface ProxyOptions {
  readonly authorization?: string;
  /** The answer to each that does not show `authorization`. */
  readonly refusal?: string;
  /** It is asked by TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

const refuse: RequestListener = (_request, response) => response.writeHead(400).end();

/** Every name is 127.0.0.1. */
export async function startConnectProxy(
  t: TestContext,
  { authorization = '', refusal = '407 Proxy Authentication Required', tls }: ProxyOptions = {},
): Promise<ConnectProxy> {
  const asked: string[] = [];
  const sockets = new Set<Duplex>();
  const keep = (socket: Duplex) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  };
  const server = tls === undefined ? createServer(refuse) : createSecureServer(tls, refuse);
  server.on('connect', ({ url = '', headers }: IncomingMessage, visitor: Duplex, head: Buffer) => {
    keep(visitor);
    const shown = headers['proxy-authorization'] ?? '';
    asked.push(`${url} ${shown}`);
    if (shown !== authorization) {
      visitor.end(`HTTP/1.1 ${refusal}\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const server = connect(Number(url.split(':').at(-1)), '127.0.0.1', () => {
      visitor.write('HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n');
      server.write(head);
      server.pipe(visitor).pipe(server);
    });
    keep(server);
    server.once('close', () => visitor.destroy());
    visitor.once('close', () => server.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const each of sockets) each.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}
