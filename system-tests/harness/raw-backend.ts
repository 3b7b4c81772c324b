/** A backend that says what a test scripts, byte by byte. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { within } from './deadline.ts';
import { Wire } from './wire.ts';

export interface RawBackend {
  readonly url: string;
  /** The next connection that was made. */
  accept(): Promise<Wire>;
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
}

export async function startRawBackend(): Promise<RawBackend> {
  const arrived: Wire[] = [];
  const waiting: ((wire: Wire) => void)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const wire = new Wire(socket);
    const taker = waiting.shift();
    if (taker === undefined) arrived.push(wire);
    else taker(wire);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accept: () => {
      const wire = arrived.shift();
      if (wire !== undefined) return Promise.resolve(wire);
      return within(new Promise((resolve) => waiting.push(resolve)), 'a connection at the backend');
    },
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      if (server.listening) await once(server, 'close');
    },
  };
}
