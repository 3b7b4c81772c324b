/** A request that asks for an upgrade: after a 101 the connection is raw bytes both ways; any other answer is HTTP. */
import { ServerResponse } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { describe } from './http-exchange.ts';
import { headText, writeHead } from './heads.ts';
import type { VisitorExchange, VisitorListener, VisitorRequest } from './transport.ts';

export class UpgradeExchange implements VisitorExchange {
  readonly request: VisitorRequest;
  listener: VisitorListener | null = null;
  readonly #message: IncomingMessage;
  readonly #socket: Socket;
  readonly #early: Buffer;
  /** The ordinary answer, where there is no 101. */
  #response: ServerResponse | null = null;
  #isUpgraded = false;
  #isComplete = false;

  constructor(request: IncomingMessage, socket: Socket, head: Buffer) {
    this.request = describe(request, true);
    this.#message = request;
    this.#socket = socket;
    this.#early = head;
    socket.setTimeout(0);
    socket
      .on('drain', () => this.listener?.onDrained())
      .on('error', () => {})
      .once('close', () => this.listener?.onFinished(this.#isComplete));
  }

  startBody(): void {
    if (this.#early.length > 0) this.listener?.onBody(this.#early);
    this.#socket.on('data', (chunk: Buffer) => this.listener?.onBody(chunk)).on('end', () => this.#onVisitorEnd());
  }

  pauseBody(): void {
    this.#socket.pause();
  }

  resumeBody(): void {
    this.#socket.resume();
  }

  informational(): void {
    // 1xx before a 101 are rare and optional (RFC 9110 §15.2); the codec of our own will pass them.
  }

  head(status: number, reason: string, fields: readonly string[]): void {
    this.#isUpgraded = status === 101;
    if (this.#isUpgraded)
      this.#socket.write(`${headText(status, reason, fields)}Connection: Upgrade\r\n\r\n`, 'latin1');
    else this.#answer(status, reason, fields);
  }

  write(chunk: Buffer): boolean {
    return (this.#response ?? this.#socket).write(chunk);
  }

  end(): void {
    this.#isComplete = true;
    (this.#response ?? this.#socket).end();
  }

  cut(): void {
    this.#socket.destroy();
  }

  /** After the 101 a half-close; before it the visitor is gone, as Node has it for every other request. */
  #onVisitorEnd(): void {
    if (this.#isUpgraded) this.listener?.onBodyEnd([]);
    else this.#socket.destroy();
  }

  /** Node hands the socket over at an upgrade; an ordinary answer borrows it back, and the connection ends with it. */
  #answer(status: number, reason: string, fields: readonly string[]): void {
    const response = new ServerResponse(this.#message);
    response.shouldKeepAlive = false;
    response.assignSocket(this.#socket);
    response.on('drain', () => this.listener?.onDrained());
    // Not a half-close: a visitor that never closes its own side would keep the connection for ever.
    response.once('finish', () => this.#socket.destroySoon());
    if (!writeHead(response, status, reason, fields)) return this.cut();
    this.#response = response;
  }
}
