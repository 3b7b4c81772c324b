/** A backend that speaks WebSocket by the `ws` library, each connection in the test's hands. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { within } from './deadline.ts';

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export interface WebSocketBackend {
  readonly url: string;
  accept(): Promise<WebSocket>;
  close(): Promise<void>;
}

export async function startWebSocketBackend(): Promise<WebSocketBackend> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, maxPayload: MAX_MESSAGE_BYTES });
  const arrived: WebSocket[] = [];
  const waiting: ((ws: WebSocket) => void)[] = [];
  sockets.on('connection', (ws) => {
    ws.on('error', () => {});
    const taker = waiting.shift();
    if (taker === undefined) arrived.push(ws);
    else taker(ws);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accept: () => {
      const ws = arrived.shift();
      if (ws !== undefined) return Promise.resolve(ws);
      return within(new Promise((resolve) => waiting.push(resolve)), 'a WebSocket at the backend');
    },
    close: async () => {
      for (const ws of sockets.clients) ws.terminate();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
