/** A link over a WebSocket of the `ws` library. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Transport, TransportHandler } from './transport.ts';
import { MAX_MESSAGE_BYTES } from './wire.ts';

const CLOSE_TIMEOUT_MS = 2_000;
const SEND_OPTIONS = { binary: true, compress: false, fin: true } as const;

/** For `new WebSocketServer` and `new WebSocket` alike: no deflate, bounded messages, a bounded close. */
export const WS_OPTIONS = {
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
  skipUTF8Validation: true,
  closeTimeout: CLOSE_TIMEOUT_MS,
} as const;

/**
 * What a proxy in front of the server may say when it is about to stop, between two frames of the server: a Pong that
 * nobody asked for (RFC 6455 §5.5.3), which no count of the link's has in it, and which others pass over.
 */
export const LEAVING = 'sallyport-leaving';

/**
 * The client's mask: zero where nobody on the way could be confused by chosen bytes (TLS, loopback), which makes `ws`
 * skip the work; undefined, for ws's own random masks, elsewhere (RFC 6455 §10.3).
 */
export function maskGenerator(isPrivate: boolean): ((mask: Buffer) => void) | undefined {
  return isPrivate ? (mask) => void mask.fill(0) : undefined;
}

export class WsTransport implements Transport {
  /** The write's callback comes when the kernel has the bytes. */
  readonly isDoneWhenSent = true;
  handler: TransportHandler | null = null;
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  /** Sizes of sends under way, in order: callbacks come in the order of the writes. */
  readonly #sizes: number[] = [];
  #isClosed = false;

  /** `ws` is open; `socket` is the one below it. */
  constructor(ws: WebSocket, socket: Socket) {
    this.#ws = ws;
    this.#socket = socket;
    socket.setNoDelay(true);
    ws.on('message', (data, isBinary) => {
      if (isBinary) this.handler?.onMessage(data as Buffer);
      else this.handler?.onText();
    });
    ws.on('close', (code, reason) => {
      this.#isClosed = true;
      this.handler?.onClosed(code, reason.toString());
    });
    ws.on('pong', (data) => {
      if (data.toString('latin1') === LEAVING) this.handler?.onLeaving();
    });
    // A close always follows an error, and says more.
    ws.on('error', () => {});
  }

  send(messages: Buffer[], bytes: number): void {
    if (this.#isClosed) return;
    this.#sizes.push(bytes);
    const lastIndex = messages.length - 1;
    this.#socket.cork();
    for (let i = 0; i < lastIndex; i += 1) this.#ws.send(messages[i]!, SEND_OPTIONS);
    this.#ws.send(messages[lastIndex]!, SEND_OPTIONS, this.#onSent);
    this.#socket.uncork();
  }

  close(code: number, reason: string): void {
    this.#isClosed = true;
    this.#ws.close(code, reason);
  }

  destroy(): void {
    this.#isClosed = true;
    this.#ws.terminate();
  }

  readonly #onSent = (): void => {
    const bytes = this.#sizes.shift();
    if (bytes !== undefined && !this.#isClosed) this.handler?.onSent(bytes);
  };
}
