/** Where visitors come in: the ports, and what speaks on the connections that they take. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Http1Visitors } from './http1-visitors.ts';
import type { VisitorHandler, VisitorOptions, Visitors } from './transport.ts';

/** What a socket is read by. */
const READ_BYTES = 65_536;
const SOCKETS = { allowHalfOpen: true, noDelay: true, highWaterMark: READ_BYTES } as const;

/** Rejects with Node's own error when a port cannot be had. */
export async function listenVisitors(options: VisitorOptions, handler: VisitorHandler): Promise<Visitors> {
  const http1 = new Http1Visitors(options, handler);
  const plain = createServer(SOCKETS, (socket) => {
    if (http1.connections < options.connections) {
      http1.accept(socket, { remoteAddress: plainAddress(socket), scheme: 'http' });
      return;
    }
    handler.limitHit('connections');
    socket.destroy();
  });
  try {
    await listen(plain, options.host, options.port);
  } catch (error) {
    await http1.close();
    throw error;
  }
  return {
    port: (plain.address() as AddressInfo).port,
    get connections() {
      return http1.connections;
    },
    drain: () => {
      plain.close();
      http1.drain();
    },
    close: async () => {
      plain.close();
      await http1.close();
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening');
}

/** Node shows IPv4 on a dual-stack socket as `::ffff:1.2.3.4`. */
function plainAddress({ remoteAddress = '' }: Socket): string {
  return remoteAddress.startsWith('::ffff:') ? remoteAddress.slice('::ffff:'.length) : remoteAddress;
}
