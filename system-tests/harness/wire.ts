/** One TCP connection in a test's own hands: raw bytes both ways, so that no library tidies anything. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { within } from './deadline.ts';

export interface RawHead {
  /** The request line or status line. */
  readonly first: string;
  /** Flat, as it was sent: name, value, … */
  readonly fields: readonly string[];
}

/** How the peer ended its side: by FIN, or by a reset. */
export type WireEnd = 'end' | 'reset';

export class Wire {
  readonly socket: Socket;
  /** Resolves with how it ended, once the peer sends no more. */
  readonly ended: Promise<WireEnd>;
  #unread: Buffer = Buffer.alloc(0);
  #isEnded = false;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    this.ended = new Promise((resolve) => {
      const end = (how: WireEnd) => {
        this.#isEnded = true;
        resolve(how);
        this.#wake();
      };
      socket
        .on('end', () => end('end'))
        .on('error', () => end('reset'))
        .on('close', (hadError) => end(hadError ? 'reset' : 'end'))
        .on('data', (chunk: Buffer) => {
          this.#unread = Buffer.concat([this.#unread, chunk]);
          this.#wake();
        });
    });
  }

  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** FIN: no more from us, still listening. */
  finish(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  async closed(): Promise<void> {
    if (!this.socket.closed) await within(once(this.socket, 'close'), 'the connection to close');
  }

  /** Takes bytes up to and with `text`. */
  async readThrough(text: string): Promise<string> {
    return this.#read(JSON.stringify(text), () => {
      const at = this.#unread.indexOf(text, 0, 'latin1');
      return at === -1 ? undefined : this.#take(at + text.length).toString('latin1');
    });
  }

  async read(bytes: number): Promise<Buffer> {
    return this.#read(`${bytes} bytes`, () => (this.#unread.length < bytes ? undefined : this.#take(bytes)));
  }

  async readHead(): Promise<RawHead> {
    const text = await this.readThrough('\r\n\r\n');
    const [first = '', ...lines] = text.slice(0, -4).split('\r\n');
    const fields = lines.flatMap((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1).trim()];
    });
    return { first, fields };
  }

  /** All up to the end, and how that came. */
  async readAll(): Promise<{ bytes: Buffer; how: WireEnd }> {
    const how = await within(this.ended, () => `the end of a connection that has sent ${this.#seen()}`);
    return { bytes: this.#take(this.#unread.length), how };
  }

  async #read<Value>(what: string, find: () => Value | undefined): Promise<Value> {
    const found = new Promise<Value>((resolve, reject) => {
      const look = () => {
        const value = find();
        if (value === undefined && !this.#isEnded) return;
        this.#waiting.delete(look);
        if (value === undefined) reject(new Error(`the connection ended before ${what}: ${this.#seen()}`));
        else resolve(value);
      };
      this.#waiting.add(look);
      look();
    });
    return within(found, () => `${what} on a connection that has sent ${this.#seen()}`);
  }

  #take(bytes: number): Buffer {
    const taken = this.#unread.subarray(0, bytes);
    this.#unread = this.#unread.subarray(bytes);
    return taken;
  }

  #wake(): void {
    for (const look of this.#waiting) look();
  }

  #seen(): string {
    return JSON.stringify(this.#unread.subarray(0, 300).toString('latin1'));
  }
}

/** A visitor to the host and port of `url`. */
export async function dial(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  await within(once(socket, 'connect'), `a connection to ${url}`);
  return new Wire(socket);
}

/** The values of a field, in order. */
export function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((_, i) => i % 2 === 1 && fields[i - 1]!.toLowerCase() === name.toLowerCase());
}
