/** The backend: it reads by `rfc9112.ts`, takes nothing that is not exactly right, and says what the case tells it to. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { readRequest, values } from './rfc9112.ts';
import type { Request } from './rfc9112.ts';
import type { Script } from './script.ts';

/** Who knows what is to come. */
export interface BackendJudge {
  /** The answer to this request; `isWhole`: its body is there. Null, where its head alone has come: wait for the rest. */
  onRequest(request: Request, isWhole: boolean): Script | null;
  /** Something came that no backend should see. */
  onViolation(what: string): void;
}

const TEAR_MS = 1;
const SHOWN_BYTES = 400;

export class StrictBackend {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  judge: BackendJudge | null = null;

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      serve(socket, () => this.judge!);
    });
  }

  static async start(): Promise<StrictBackend> {
    const backend = new StrictBackend();
    backend.#server.listen(0, '127.0.0.1');
    await once(backend.#server, 'listening');
    return backend;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await once(this.#server, 'close');
  }
}

/** One connection, one request on it at a time. */
function serve(socket: Socket, judge: () => BackendJudge): void {
  let unread: Buffer = Buffer.alloc(0);
  let isAnswering = false;
  /** The request whose body is still coming was answered, or told to go on. */
  let isAnsweredEarly = false;
  let hasContinued = false;

  const violation = (what: string) => {
    judge().onViolation(`${what}: ${JSON.stringify(unread.toString('latin1', 0, SHOWN_BYTES))}`);
    unread = Buffer.alloc(0);
    socket.destroy();
  };
  const answer = (script: Script) => {
    isAnswering = true;
    void play(socket, script).then(() => {
      isAnswering = false;
      if (unread.length > 0) look();
    });
  };
  const takeHead = (request: Request) => {
    if (isAnsweredEarly) return;
    const script = judge().onRequest(request, false);
    if (script !== null) {
      isAnsweredEarly = true;
      answer(script);
    } else if (!hasContinued && values(request.lines, 'expect').length > 0) {
      hasContinued = true;
      socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    }
  };
  function look(): void {
    if (unread[0] === 0x0d || unread[0] === 0x0a) return violation('an empty line before a request');
    const reading = readRequest(unread);
    const { message } = reading;
    // Behind an early answer its connection may stay in the midst of a request.
    if (isAnswering && !isAnsweredEarly) return violation('bytes behind a request that has no answer yet');
    if (message !== null && message.doubts.length > 0)
      return violation(`what a reader may refuse (${message.doubts[0]})`);
    if (reading.kind === 'wrong') return violation(`what breaks ${reading.rule}`);
    if (reading.kind === 'part') {
      if (message !== null) takeHead(message);
      return;
    }
    unread = unread.subarray(reading.next);
    hasContinued = false;
    if (isAnsweredEarly) {
      isAnsweredEarly = false;
    } else {
      const script = judge().onRequest(reading.message, true);
      if (script === null) return void socket.destroy();
      answer(script);
    }
    if (unread.length > 0) look();
  }

  socket
    .on('error', () => {})
    .on('end', () => socket.end())
    .on('data', (chunk: Buffer) => {
      unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
      look();
    });
}

async function play(socket: Socket, { pieces, end }: Script): Promise<void> {
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, TEAR_MS));
    if (socket.destroyed) return;
    if (piece.length > 0) await new Promise((resolve) => socket.write(piece, resolve));
  }
  if (end === 'fin') socket.end();
  if (end === 'reset') {
    // What was written has to be read before it: a reset takes away what was not.
    await new Promise((resolve) => setTimeout(resolve, 2 * TEAR_MS));
    socket.resetAndDestroy();
  }
}
