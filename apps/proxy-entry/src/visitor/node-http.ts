/** Visitors by node:http. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HttpExchange } from './http-exchange.ts';
import type { AdmissionFailure, VisitorHandler, VisitorTransport, VisitorTransportOptions } from './transport.ts';
import { UpgradeExchange } from './upgrade-exchange.ts';

const CHECK_PERIOD_MS = 1_000;
const CLOSE_GRACE_MS = 1_000;

/** Rejects with Node's own error when the port cannot be had. */
export async function listenHttp(options: VisitorTransportOptions, handler: VisitorHandler): Promise<VisitorTransport> {
  const server = createServer({
    maxHeaderSize: options.requestHeadBytes,
    headersTimeout: options.headTimeoutMs,
    connectionsCheckingInterval: CHECK_PERIOD_MS,
    // It covers bodies as well, and would end slow uploads.
    requestTimeout: 0,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    // Ours says Host is wrong in our own words.
    requireHostHeader: false,
    insecureHTTPParser: false,
    highWaterMark: BODY_HIGH_WATER_BYTES,
    shouldUpgradeCallback: isUpgrade,
  });
  // No line is hidden from us: their number is checked in the head that we see.
  server.maxHeadersCount = 0;
  server.timeout = 0;
  server.maxConnections = options.connections;
  const state = { isDraining: false, sockets: new Map<Socket, number>() };
  listen(server, state, handler);
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return state.sockets.size;
    },
    drain: () => {
      state.isDraining = true;
      server.close();
      server.closeIdleConnections();
    },
    close: () => closeServer(server, state.sockets),
  };
}

const BODY_HIGH_WATER_BYTES = 65_536;

interface ListenState {
  isDraining: boolean;
  /** Open connections, and how many answers each still owes. */
  readonly sockets: Map<Socket, number>;
}

/** GET, HTTP/1.1, and not to HTTP/2 in clear text: whatever else asks for an upgrade is an ordinary request. */
function isUpgrade({ method, httpVersion, headers }: IncomingMessage): boolean {
  return method === 'GET' && httpVersion === '1.1' && !/\bh2c\b/i.test(headers.upgrade ?? '');
}

function listen(server: Server, state: ListenState, handler: VisitorHandler): void {
  server.on('connection', (socket) => {
    state.sockets.set(socket, 0);
    socket.once('close', () => state.sockets.delete(socket));
  });
  server.on('drop', () => handler.limitHit('connections'));
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (state.isDraining) response.shouldKeepAlive = false;
    owe(state, request.socket, 1);
    response.once('close', () => owe(state, request.socket, -1));
    handler.onRequest(new HttpExchange(request, response));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Its raw bytes would go out before an answer that is still to come.
    if ((state.sockets.get(socket as Socket) ?? 0) > 0) socket.destroy();
    else handler.onRequest(new UpgradeExchange(request, socket as Socket, head));
  });
  server.on('clientError', (error: Error & { code?: string }, socket: Duplex) => {
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    socket.end(handler.onRefused(failureOf(error.code), (socket as Socket).remoteAddress ?? ''));
  });
}

function owe(state: ListenState, socket: Socket, change: number): void {
  const owed = state.sockets.get(socket);
  if (owed !== undefined) state.sockets.set(socket, owed + change);
}

function failureOf(code: string | undefined): AdmissionFailure {
  if (code === 'HPE_HEADER_OVERFLOW') return 'head-too-large';
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'head-timeout' : 'bad-request';
}

async function closeServer(server: Server, sockets: ReadonlyMap<Socket, number>): Promise<void> {
  server.close();
  server.closeIdleConnections();
  const deadline = setTimeout(() => {
    for (const socket of sockets.keys()) socket.destroy();
  }, CLOSE_GRACE_MS);
  // Not events.once: that rejects where a visitor resets its connection.
  await Promise.all([...sockets.keys()].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  clearTimeout(deadline);
}
