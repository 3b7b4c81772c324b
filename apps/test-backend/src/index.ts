/**
 * The backend that the load tests and the system tests are run against: small, fast, and the same every time.
 * It is a test instrument: it binds what it is told, authenticates nobody and logs nothing.
 */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createEchoSockets, isEchoSocketPath } from './websocket.ts';
import { handleRequest } from './routes.ts';

const KEEP_ALIVE_TIMEOUT_MS = 120_000;
/** What we ask of the kernel; it caps this at `net.core.somaxconn`. There is no limit of ours on connections. */
const LISTEN_BACKLOG = 10_000;

export interface BackendOptions {
  readonly host: string;
  /** 0 takes a free port, named in the result. */
  readonly port: number;
}

export interface Backend {
  /** Origin without a trailing slash, e.g. `http://127.0.0.1:12007`. */
  readonly url: string;
  readonly port: number;
  /** Stops listening and cuts every connection, requests in flight included. Resolves when all are gone. */
  close(): Promise<void>;
}

/** Rejects with the system's error (its `code` is e.g. EADDRINUSE or EACCES) when the address cannot be bound. */
export async function startBackend({ host, port }: BackendOptions): Promise<Backend> {
  const sockets = createEchoSockets();
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      // It covers the body as well, and would cut a slow upload of 2 GB.
      requestTimeout: 0,
      // Elsewhere an Upgrade is only an offer (RFC 9110 section 7.8) and is answered as if it were absent.
      shouldUpgradeCallback: (req) => isEchoSocketPath(req.url ?? ''),
    },
    handleRequest,
  );
  server.on('upgrade', (req, socket, head) => {
    sockets.handleUpgrade(req, socket, head, (webSocket) => sockets.emit('connection', webSocket, req));
  });
  await listen(server, host, port);
  const bound = (server.address() as AddressInfo).port;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    close: () =>
      (closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const webSocket of sockets.clients) webSocket.terminate();
      })),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: LISTEN_BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
