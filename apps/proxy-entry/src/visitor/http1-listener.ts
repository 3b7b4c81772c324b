/** Visitors by our own codec, on plain sockets. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { performance } from 'node:perf_hooks';
import { DEFAULT_LIMITS, MAX_FIELD_LINES } from '@sallyport/http1';
import { VisitorConnection } from './http1-connection.ts';
import type { ConnectionContext } from './http1-connection.ts';
import type { VisitorHandler, VisitorTransport, VisitorTransportOptions } from './transport.ts';

/** How late a time limit may be noticed. */
const CHECK_PERIOD_MS = 1_000;
const CLOSE_GRACE_MS = 1_000;
const READ_BYTES = 65_536;

/** Rejects with Node's own error when the port cannot be had. */
export async function listenHttp1(
  options: VisitorTransportOptions,
  handler: VisitorHandler,
): Promise<VisitorTransport> {
  const connections = new Set<VisitorConnection>();
  const context = {
    handler,
    // The number of lines is checked in the head, which is what the setting is about.
    limits: {
      ...DEFAULT_LIMITS,
      headBytes: options.requestHeadBytes,
      startLineBytes: options.requestHeadBytes,
      headLines: MAX_FIELD_LINES,
    },
    headTimeoutMs: options.headTimeoutMs,
    keepAliveTimeoutMs: options.keepAliveTimeoutMs,
    isDraining: false,
    onClosed: (connection: VisitorConnection) => connections.delete(connection),
  };
  const server = listenSockets(options, context, connections);
  server.on('drop', () => handler.limitHit('connections'));
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const connection of connections) connection.check(nowMs);
  }, CHECK_PERIOD_MS).unref();
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections.size;
    },
    drain: () => {
      context.isDraining = true;
      server.close();
      closeIdle(connections);
    },
    close: async () => {
      server.close();
      await closeAll(connections);
      clearInterval(timer);
    },
  };
}

function listenSockets(
  options: VisitorTransportOptions,
  context: ConnectionContext,
  connections: Set<VisitorConnection>,
): Server {
  const settings = { allowHalfOpen: true, noDelay: true, highWaterMark: READ_BYTES };
  const server = createServer(settings, (socket) => connections.add(new VisitorConnection(context, socket)));
  server.maxConnections = options.connections;
  return server;
}

function closeIdle(connections: ReadonlySet<VisitorConnection>): void {
  for (const connection of connections) if (connection.isIdle) connection.destroy();
}

async function closeAll(connections: ReadonlySet<VisitorConnection>): Promise<void> {
  closeIdle(connections);
  const deadline = setTimeout(() => {
    for (const connection of connections) connection.destroy();
  }, CLOSE_GRACE_MS);
  const sockets = [...connections].map(({ socket }) => socket);
  // Not events.once: that rejects where a visitor resets its connection.
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  clearTimeout(deadline);
}
