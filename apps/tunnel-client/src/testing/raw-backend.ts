/** A backend that says what a test scripts, byte by byte, over TCP or a Unix socket. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** One connection at the backend. */
export class Wire {
  readonly socket: Socket;
  #unread = '';
  #isEnded = false;
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    const ended = () => {
      this.#isEnded = true;
      this.#wake?.();
    };
    socket
      .on('data', (chunk: Buffer) => {
        this.#unread += chunk.toString('latin1');
        this.#wake?.();
      })
      .on('end', ended)
      .on('close', ended)
      .on('error', () => {});
  }

  say(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** What comes up to and with `text`. */
  async hear(text: string): Promise<string> {
    for (;;) {
      const at = this.#unread.indexOf(text);
      if (at !== -1) return this.#take(at + text.length);
      assert.ok(!this.#isEnded, `the connection ended before ${JSON.stringify(text)}: ${JSON.stringify(this.#unread)}`);
      await this.#more();
    }
  }

  async hearBytes(length: number): Promise<string> {
    while (this.#unread.length < length) {
      assert.ok(!this.#isEnded, `the connection ended before ${length} bytes: ${JSON.stringify(this.#unread)}`);
      await this.#more();
    }
    return this.#take(length);
  }

  /** All up to the end of what the other side sends. */
  async hearAll(): Promise<string> {
    while (!this.#isEnded) await this.#more();
    return this.#take(this.#unread.length);
  }

  hearHead(): Promise<string> {
    return this.hear('\r\n\r\n');
  }

  /** FIN: no more from us. */
  finish(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #take(length: number): string {
    const taken = this.#unread.slice(0, length);
    this.#unread = this.#unread.slice(length);
    return taken;
  }
}

export interface RawBackend {
  readonly url: string;
  /** How many connections were made so far. */
  readonly connections: () => number;
  /** The next connection that is made, or was and is not taken yet. */
  readonly accept: () => Promise<Wire>;
}

/** Listens on a free port, or at `path`; cut off when the test ends. */
export async function listenRaw(t: TestContext, path?: string): Promise<RawBackend> {
  const arrived: Wire[] = [];
  const sockets: Socket[] = [];
  let wake: (() => void) | null = null;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.push(socket);
    arrived.push(new Wire(socket));
    wake?.();
  });
  if (path === undefined) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    url: path === undefined ? `http://127.0.0.1:${(server.address() as AddressInfo).port}` : `unix:${path}`,
    connections: () => sockets.length,
    accept: async () => {
      while (arrived.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return arrived.shift()!;
    },
  };
}
