/** A backend of one's own: says what reached it, holds a request as long as a test wants, streams for ever. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../harness/deadline.ts';

export interface EchoBackend {
  readonly url: string;
  readonly name: string;
  /** Requests for /held that are not answered. */
  readonly held: number;
  /** The most that ever were at once. */
  readonly mostHeld: number;
  /** Once so many are held. */
  holds(count: number): Promise<void>;
  /** Answers those. */
  release(): void;
  close(): Promise<void>;
}

/** What `/` answers. */
export interface Echo {
  readonly name: string;
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
}

export async function startEchoBackend(name: string): Promise<EchoBackend> {
  const held = new Set<ServerResponse>();
  let mostHeld = 0;
  const failed = new Set<string>();
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://backend.test');
    if (pathname === '/held') {
      held.add(response);
      mostHeld = Math.max(mostHeld, held.size);
      response.once('close', () => held.delete(response));
    } else if (pathname === '/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': begun\n\n');
    } else if (pathname === '/big') {
      response.end(Buffer.alloc(64 * 1024 * 1024));
    } else if (pathname === '/once' && !failed.has(search)) {
      failed.add(search);
      request.socket.resetAndDestroy();
    } else if (pathname !== '/unread') answer(name, request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    name,
    get held() {
      return held.size;
    },
    get mostHeld() {
      return mostHeld;
    },
    holds: async (count) => {
      await eventually(async () => (held.size >= count ? true : undefined), `${count} requests held at the backend`);
    },
    release: () => {
      for (const response of held) response.end('released');
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}

function answer(name: string, request: IncomingMessage, response: ServerResponse): void {
  request.resume().once('end', () => {
    const echo = { name, url: request.url, fields: request.headers };
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(echo));
  });
}
