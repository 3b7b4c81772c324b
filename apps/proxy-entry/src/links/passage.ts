/**
 * One link on its way through the entry, from who reaches no other port to one of the servers. Bytes pass as they are;
 * the server alone judges the credential, and both ends watch over the link's life.
 *
 *   asking ──101──▶ passing ──an end──▶ closing ──▶ over          asking ──refusal──▶ over
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { LinkAddress } from '@sallyport/protocol';
import { Problems } from '../problems.ts';
import type { Problem } from '../problems.ts';
import type { VisitorExchange, VisitorListener } from '../visitor/transport.ts';
import { ASK_TIMEOUT_MS, askServer } from './ask-server.ts';
import { LeavingNotice } from './leaving.ts';

export interface PassageOwner {
  /** Ends it with an answer of our own. */
  refuse(visitor: VisitorExchange, problem: Problem): void;
  onOver(passage: Passage): void;
}

/** A dialler waits 10 s for its answer. */
const MAX_TRIES = 3;
/** So long a dialler has to close when its server has. */
const CLOSE_GRACE_MS = 2_000;
const UNAUTHORIZED = 401;
const UPGRADE_REQUIRED = 426;
const UNAVAILABLE = 503;
/** A server's answers that mean something to a dialler; any other is no tunnel-server's. */
const PASSED_ON = new Set([UNAUTHORIZED, UPGRADE_REQUIRED, UNAVAILABLE]);

export class Passage implements VisitorListener {
  readonly #visitor: VisitorExchange;
  readonly #remote: string;
  readonly #owner: PassageOwner;
  /** Not asked yet. */
  readonly #servers: LinkAddress[];
  readonly #notice = new LeavingNotice();
  #request: ClientRequest | null = null;
  #socket: Socket | null = null;
  /** While a server is asked, and behind its end. */
  #timer: NodeJS.Timeout | null = null;
  #isLeaving = false;
  #isOver = false;

  /** `servers`: in the order in which they are to be asked. */
  constructor(visitor: VisitorExchange, remote: string, servers: readonly LinkAddress[], owner: PassageOwner) {
    this.#visitor = visitor;
    this.#remote = remote;
    this.#owner = owner;
    this.#servers = servers.slice(0, MAX_TRIES);
    visitor.listener = this;
  }

  /** Asks the next server. */
  ask(): void {
    this.#forgetRequest();
    const address = this.#servers.shift();
    if (address === undefined) return this.#owner.refuse(this.#visitor, Problems.noServer);
    let request: ClientRequest;
    try {
      request = askServer(address, this.#visitor.request, this.#remote);
    } catch {
      return this.ask();
    }
    this.#request = request;
    this.#timer = setTimeout(() => this.ask(), ASK_TIMEOUT_MS);
    request
      .once('upgrade', (response, socket: Socket, head) => this.#opened(response, socket, head))
      .once('response', (response) => this.#refused(response))
      .on('error', () => {
        if (this.#request === request) this.ask();
      })
      .end();
  }

  /** The dialler is told to dial anew; this link goes on until its streams are over. */
  leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    if (this.#socket !== null) this.#toDialler(this.#notice.leave());
  }

  // ---- from the dialler

  onBody(chunk: Buffer): void {
    if (this.#socket?.write(chunk) === false) this.#visitor.pauseBody();
  }

  onBodyEnd(): void {
    this.#socket?.end();
  }

  onRefused(): void {
    this.#visitor.cut();
  }

  onDrained(): void {
    this.#socket?.resume();
  }

  onFinished(): void {
    this.#isOver = true;
    this.#forgetRequest();
    this.#socket?.destroy();
    this.#owner.onOver(this);
  }

  // ---- from the server

  #opened({ headers }: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#stopTimer();
    this.#request = null;
    if (this.#isOver) {
      socket.destroy();
      return;
    }
    this.#socket = socket.setNoDelay(true);
    this.#visitor.head(101, 'Switching Protocols', switchingFields(headers), false);
    this.#visitor.startBody();
    socket
      .on('data', (chunk: Buffer) => this.#toDialler(this.#notice.pass(chunk)))
      .on('drain', () => this.#visitor.resumeBody())
      .on('end', () => this.#visitor.end([]))
      // What was cut at the server must look cut to the dialler.
      .on('error', () => this.#visitor.cut())
      .once('close', () => this.#serverGone());
    if (head.length > 0) this.#toDialler(this.#notice.pass(head));
    if (this.#isLeaving) this.#toDialler(this.#notice.leave());
  }

  #refused(response: IncomingMessage): void {
    const { statusCode = 0, statusMessage = '', headers } = response;
    const mayAskAnother = statusCode === UNAVAILABLE && this.#servers.length > 0;
    if (mayAskAnother || !PASSED_ON.has(statusCode)) return this.ask();
    this.#forgetRequest();
    const said = [
      ['WWW-Authenticate', headers['www-authenticate']],
      ['Retry-After', headers['retry-after']],
      ['Content-Length', '0'],
    ] as const;
    this.#visitor.head(statusCode, statusMessage, present(said), true);
    this.#visitor.end([]);
  }

  #toDialler(pieces: readonly Buffer[]): void {
    for (const piece of pieces) if (!this.#visitor.write(piece)) this.#socket!.pause();
  }

  #serverGone(): void {
    if (this.#isOver) return;
    this.#visitor.end([]);
    this.#timer = setTimeout(() => this.#visitor.cut(), CLOSE_GRACE_MS);
  }

  #forgetRequest(): void {
    this.#stopTimer();
    const request = this.#request;
    this.#request = null;
    request?.destroy();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function switchingFields(headers: IncomingMessage['headers']): string[] {
  return present([
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Accept', headers['sec-websocket-accept']],
    ['Sec-WebSocket-Protocol', headers['sec-websocket-protocol']],
  ]);
}

function present(fields: readonly (readonly [string, string | undefined])[]): string[] {
  return fields.flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}
