/**
 * The bare sketch of a tunnel: node:http entry, `ws` relay, undici client, three processes, nothing else. No flow
 * control, no slots, no retries, no limits, whole small bodies only. It is what the real one's cost is compared with,
 * so it is written as lean as that list allows: all frames of an event-loop turn go out as one WebSocket message.
 *
 * Wire: a message is a row of frames; a frame is u32 length of what follows, u32 id, u16 head bytes, head, body
 * (little endian). Head, latin-1, parts separated by a line feed: `GET`, `/path`, then names and values; in answers the
 * status comes first.
 *
 * Run by `startSketch`, with an IPC channel on which each part says its port or 0 when it is ready:
 * `server` · `client SERVER_PORT BACKEND_URL` · `entry SERVER_PORT`.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';

/** A slab is filled once and left to the collector, since the socket may still hold what was sent from it. */
const SLAB_BYTES = 256 * 1024;
const FRAME_HEAD_BYTES = 10;
const HOP_FIELDS = new Set(['connection', 'keep-alive', 'transfer-encoding']);

type OnFrame = (bytes: Buffer, at: number, end: number) => void;

class Link {
  readonly #socket: WebSocket;
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #sent = 0;
  #end = 0;
  readonly #flush = (): void => {
    this.#socket.send(this.#slab.subarray(this.#sent, this.#end));
    this.#sent = this.#end;
  };

  constructor(socket: WebSocket, onFrame: OnFrame) {
    this.#socket = socket;
    socket.on('close', () => process.exit(1));
    socket.on('message', (bytes: Buffer) => {
      for (let at = 0; at < bytes.length;) {
        const end = at + 4 + bytes.readUInt32LE(at);
        onFrame(bytes, at, end);
        at = end;
      }
    });
  }

  /** Queues a frame made of a head (latin-1) and a body. */
  send(id: number, head: string, body: Buffer): void {
    const at = this.#reserve(FRAME_HEAD_BYTES + head.length + body.length);
    const slab = this.#slab;
    slab.writeUInt32LE(FRAME_HEAD_BYTES - 4 + head.length + body.length, at);
    slab.writeUInt32LE(id, at + 4);
    slab.writeUInt16LE(head.length, at + 8);
    slab.write(head, at + FRAME_HEAD_BYTES, 'latin1');
    body.copy(slab, at + FRAME_HEAD_BYTES + head.length);
  }

  /** Queues a frame that came from another link, under another id. */
  relay(id: number, bytes: Buffer, from: number, to: number): void {
    const at = this.#reserve(to - from);
    bytes.copy(this.#slab, at, from, to);
    this.#slab.writeUInt32LE(id, at + 4);
  }

  #reserve(frameBytes: number): number {
    if (this.#end === this.#sent) setImmediate(this.#flush);
    if (this.#end + frameBytes > this.#slab.length) {
      if (this.#end > this.#sent) this.#socket.send(this.#slab.subarray(this.#sent, this.#end));
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, frameBytes));
      this.#sent = this.#end = 0;
    }
    const at = this.#end;
    this.#end += frameBytes;
    return at;
  }
}

/** Ids are small and used again: the index into an array. */
class Table<Value> {
  readonly #values: Value[] = [];
  readonly #free: number[] = [];

  add(value: Value): number {
    const id = this.#free.pop() ?? this.#values.length;
    this.#values[id] = value;
    return id;
  }

  take(id: number): Value {
    this.#free.push(id);
    return this.#values[id] as Value;
  }
}

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
      if (!HOP_FIELDS.has(name)) this.#head += `\n${name}\n${String(headers[name])}`;
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
    pool.dispatch({ method: method as Dispatcher.HttpMethod, path, headers }, exchange);
  });
  return 0;
}

const [part, first = '', second = ''] = process.argv.slice(2);
process.on('disconnect', () => process.exit(0));
const port = await (part === 'entry' ? runEntry(first) : part === 'client' ? runClient(first, second) : runServer());
process.send?.({ port });
