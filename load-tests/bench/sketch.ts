/**
 * The bare sketch of a tunnel: node:http entry, `ws` relay, undici client, three processes, nothing else. No flow
 * control, no slots, no retries, no limits, whole small bodies only. It is what the real one's cost is compared with,
 * so it is written as lean as that list allows. Run by `startSketch`, with an IPC channel on which each part says its port or 0 when it is ready:
 * `server` · `client SERVER_PORT BACKEND_URL` · `entry SERVER_PORT`.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { FRAME_HEAD_BYTES, Link, Table } from './sketch-link.ts';
import type { OnFrame } from './sketch-link.ts';

const HOP_FIELDS = new Set(['connection', 'keep-alive', 'transfer-encoding']);

async function dial(port: string, path: string, onFrame: OnFrame): Promise<Link> {
  // A zero mask, for which ws skips the masking: both ends are on loopback.
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false, generateMask: () => {} });
  const link = new Link(socket, onFrame);
  await once(socket, 'open');
  return link;
}

async function runEntry(serverPort: string): Promise<number> {
  const waiting = new Table<ServerResponse>();
  const link = await dial(serverPort, '/entry', (bytes, at, end) => {
    const bodyAt = at + FRAME_HEAD_BYTES + bytes.readUInt16LE(at + 8);
    const headers = bytes.toString('latin1', at + FRAME_HEAD_BYTES, bodyAt).split('\n');
    const response = waiting.take(bytes.readUInt32LE(at + 4));
    response.writeHead(Number(headers.shift()), headers);
    // As a string it is joined to the head, and the answer is one buffer in one write.
    response.end(bytes.toString('latin1', bodyAt, end), 'latin1');
  });
  const empty = Buffer.alloc(0);
  const server = createServer((request, response) => {
    const head = `${request.method}\n${request.url}\n${request.rawHeaders.join('\n')}`;
    link.send(waiting.add(response), head, empty);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function runServer(): Promise<number> {
  const entryIds = new Table<number>();
  let entry: Link;
  let client: Link;
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('connection', (socket, request) => {
    if (request.url === '/entry') {
      entry = new Link(socket, (bytes, at, end) => {
        client.relay(entryIds.add(bytes.readUInt32LE(at + 4)), bytes, at, end);
      });
    } else {
      client = new Link(socket, (bytes, at, end) => {
        entry.relay(entryIds.take(bytes.readUInt32LE(at + 4)), bytes, at, end);
      });
    }
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #link: Link;
  readonly #id: number;
  #head = '';
  #body: Buffer = Buffer.alloc(0);

  constructor(link: Link, id: number) {
    this.#link = link;
    this.#id = id;
  }

  onRequestStart(): void {}

  onResponseStart(_: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    this.#head = String(status);
    for (const name in headers) {
      const value = headers[name] ?? '';
      if (HOP_FIELDS.has(name)) continue;
      this.#head += `\n${name}\n${typeof value === 'string' ? value : value.join(`\n${name}\n`)}`;
    }
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    this.#body = this.#body.length === 0 ? chunk : Buffer.concat([this.#body, chunk]);
  }

  onResponseEnd(): void {
    this.#link.send(this.#id, this.#head, this.#body);
  }

  onResponseError(): void {
    this.#link.send(this.#id, '502', this.#body);
  }
}

async function runClient(serverPort: string, backendUrl: string): Promise<number> {
  const pool = new Pool(backendUrl);
  const link = await dial(serverPort, '/client', (bytes, at) => {
    const headEnd = at + FRAME_HEAD_BYTES + bytes.readUInt16LE(at + 8);
    const [method = '', path = '', ...headers] = bytes.toString('latin1', at + FRAME_HEAD_BYTES, headEnd).split('\n');
    const exchange = new Exchange(link, bytes.readUInt32LE(at + 4));
    pool.dispatch({ method, path, headers }, exchange);
  });
  return 0;
}

const [part, first = '', second = ''] = process.argv.slice(2);
process.on('disconnect', () => process.exit(0));
const port = await (part === 'entry' ? runEntry(first) : part === 'client' ? runClient(first, second) : runServer());
process.send?.({ port });
