/**
 * One link on its way through the entry, from who reaches no other port to one of the servers. Bytes pass as they are;
 * the server alone judges the credential, and both ends watch over the link's life.
 *
 *   asking ──101──▶ passing ──an end──▶ closing ──▶ over          asking ──refusal──▶ over
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { keepAlive } from '@sallyport/protocol';
import { Problems } from '../problems.ts';
import type { Problem } from '../problems.ts';
import type { VisitorExchange, VisitorListener } from '../visitor/transport.ts';
import { ASK_TIMEOUT_MS, askServer } from './ask-server.ts';
import type { Dialled } from './ask-server.ts';
import type { AskedServer } from './asked-server.ts';
import { LeavingNotice } from './leaving.ts';

export interface PassageOwner {
  /** Ends it with an answer of our own. */
  refuse(passage: Passage, problem: Problem): void;
  /** A server opens it: whether it may pass. */
  opens(passage: Passage): boolean;
  /** A server answered with `status`, and the dialler is told. */
  answered(passage: Passage, status: number): void;
  onOver(passage: Passage): void;
}

/** A dialler waits 10 s for its answer. */
const MAX_TRIES = 3;
/** So long each end has to close when the other has. */
const CLOSE_GRACE_MS = 2_000;
const SWITCHING = 101;
const UNAUTHORIZED = 401;
const UPGRADE_REQUIRED = 426;
const UNAVAILABLE = 503;
const LOOP = 508;
/** A server's answers that mean something to a dialler; any other is no tunnel-server's. */
const PASSED_ON = new Set([UNAUTHORIZED, UPGRADE_REQUIRED, UNAVAILABLE, LOOP]);
/** Another server may have another answer. */
const OF_ONE_SERVER = new Set([UNAVAILABLE, LOOP]);

export class Passage implements VisitorListener {
  readonly visitor: VisitorExchange;
  readonly dialled: Dialled;
  readonly #owner: PassageOwner;
  /** Not asked yet. */
  readonly #servers: AskedServer[];
  readonly #notice = new LeavingNotice();
  #request: ClientRequest | null = null;
  #socket: Socket | null = null;
  /** While a server is asked, and behind its end. */
  #timer: NodeJS.Timeout | null = null;
  #isLeaving = false;
  #isOver = false;

  /** `servers`: in the order in which they are to be asked. */
  constructor(visitor: VisitorExchange, dialled: Dialled, servers: readonly AskedServer[], owner: PassageOwner) {
    this.visitor = visitor;
    this.dialled = dialled;
    this.#owner = owner;
    this.#servers = servers.slice(0, MAX_TRIES);
    visitor.listener = this;
  }

  /** Asks the next server. */
  ask(): void {
    this.#forgetRequest();
    const server = this.#servers.shift();
    if (server === undefined) return this.#owner.refuse(this, Problems.noServer);
    let request: ClientRequest;
    try {
      request = askServer(server, this.dialled);
    } catch {
      return this.ask();
    }
    this.#request = request;
    this.#timer = setTimeout(() => {
      server.silent();
      this.ask();
    }, ASK_TIMEOUT_MS);
    request
      .once('upgrade', (response, socket: Socket, head) => {
        server.answered();
        if (this.dialled.request.isUpgrade) return this.#opened(response, socket, head);
        // Nobody asked for that: it is no server of ours.
        socket.destroy();
        this.ask();
      })
      .once('response', (response) => {
        server.answered();
        this.#refused(response);
      })
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
    if (this.#socket?.write(chunk) === false) this.visitor.pauseBody();
  }

  onBodyEnd(): void {
    this.#socket?.end();
    this.#allowGrace();
  }

  onRefused(): void {
    this.visitor.cut();
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
    if (this.#isOver || !this.#owner.opens(this)) {
      socket.destroy();
      return;
    }
    this.#socket = socket.setNoDelay(true);
    // A server that vanished is noticed so, should nobody at the link's ends be there.
    keepAlive(socket);
    this.visitor.head(SWITCHING, 'Switching Protocols', switchingFields(headers), false);
    this.visitor.startBody();
    socket
      .on('data', (chunk: Buffer) => this.#toDialler(this.#notice.pass(chunk)))
      .on('drain', () => this.visitor.resumeBody())
      .on('end', () => this.visitor.end([]))
      // What was cut at the server must look cut to the dialler.
      .on('error', () => this.visitor.cut())
      .once('close', () => this.#serverGone());
    if (head.length > 0) this.#toDialler(this.#notice.pass(head));
    if (this.#isLeaving) this.#toDialler(this.#notice.leave());
  }

  #refused(response: IncomingMessage): void {
    const { statusCode = 0, statusMessage = '', headers } = response;
    const mayAskAnother = OF_ONE_SERVER.has(statusCode) && this.#servers.length > 0;
    if (mayAskAnother || !PASSED_ON.has(statusCode)) return this.ask();
    this.#forgetRequest();
    const said = [
      ['WWW-Authenticate', headers['www-authenticate']],
      ['Retry-After', headers['retry-after']],
      ['Content-Length', '0'],
    ] as const;
    this.#owner.answered(this, statusCode);
    this.visitor.head(statusCode, statusMessage, present(said), true);
    this.visitor.end([]);
  }

  #toDialler(pieces: readonly Buffer[]): void {
    for (const piece of pieces) if (!this.visitor.write(piece)) this.#socket!.pause();
  }

  #serverGone(): void {
    if (this.#isOver) return;
    this.visitor.end([]);
    this.#allowGrace();
  }

  #allowGrace(): void {
    if (this.#isOver || this.#timer !== null) return;
    this.#timer = setTimeout(() => this.visitor.cut(), CLOSE_GRACE_MS);
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
