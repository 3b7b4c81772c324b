/** The visitor: writes the bytes of a case as they are torn, and reads what comes back by `rfc9112.ts`. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { readAnswer } from './expected.ts';
import type { Case } from './case.ts';
import type { ReadAnswer } from './expected.ts';

const TEAR_MS = 1;

/** How a connection ended: by the entry's FIN, by a reset, by the visitor who had all it waited for, or not in time. */
export type VisitEnd = 'end' | 'reset' | 'left' | 'late';

export interface Visited {
  /** Whole ones, in order; the last may be none. */
  readonly answers: readonly ReadAnswer[];
  readonly how: VisitEnd;
  /** What came, for people. */
  readonly bytes: Buffer;
}

export interface Visit {
  readonly url: URL;
  readonly localAddress: string;
  readonly pieces: readonly Buffer[];
  /** What comes behind them: nothing, FIN, or a reset. */
  readonly leaves: Case['leaves'];
  /** How long it waits for what has to come. */
  readonly ceilingMs: number;
  /** Of the request that the answer number `place` is to. */
  method(place: number): string;
  /** Whether nothing more is to come, as far as anybody can know; else the end of the connection is waited for. */
  hasAll(answers: readonly ReadAnswer[]): boolean;
}

export async function visit(plan: Visit): Promise<Visited> {
  const socket = connect({
    host: plan.url.hostname,
    port: Number(plan.url.port),
    localAddress: plan.localAddress,
    allowHalfOpen: true,
    noDelay: true,
  });
  const reader = new AnswerReader(socket, plan);
  await writePieces(socket, plan.pieces);
  if (plan.leaves === 'fin') socket.end();
  if (plan.leaves === 'reset') socket.resetAndDestroy();
  // Where nothing is to come the entry still gets a moment to say something.
  await new Promise((resolve) => setTimeout(resolve, TEAR_MS));
  reader.leaveIfAll();
  return reader.visited;
}

/** Each in a turn of its own. */
export async function writePieces(socket: Socket, pieces: readonly Buffer[]): Promise<void> {
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, TEAR_MS));
    if (socket.destroyed) return;
    await new Promise((resolve) => socket.write(piece, resolve));
  }
}

class AnswerReader {
  readonly visited: Promise<Visited>;
  readonly #socket: Socket;
  readonly #plan: Visit;
  readonly #chunks: Buffer[] = [];
  readonly #answers: ReadAnswer[] = [];
  readonly #timer: NodeJS.Timeout;
  #unread: Buffer = Buffer.alloc(0);
  /** All that can be read was: behind what is wrong nothing means anything. */
  #isOver = false;
  #resolve!: (visited: Visited) => void;

  constructor(socket: Socket, plan: Visit) {
    this.#socket = socket;
    this.#plan = plan;
    this.visited = new Promise((resolve) => (this.#resolve = resolve));
    this.#timer = setTimeout(() => this.#end('late'), plan.ceilingMs);
    socket
      .on('data', (chunk: Buffer) => this.#onData(chunk))
      .once('end', () => this.#end('end'))
      .on('error', () => this.#end('reset'))
      .once('close', () => this.#end('reset'));
  }

  leaveIfAll(): void {
    if (this.#plan.hasAll(this.#answers)) this.#end('left');
  }

  #onData(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    this.#look(false, false);
    this.leaveIfAll();
  }

  #end(how: VisitEnd): void {
    if (this.#socket.destroyed && how === 'left') return;
    clearTimeout(this.#timer);
    // Who leaves does not wait for the rest of an answer that has begun.
    if (how !== 'left') this.#look(true, how === 'end');
    this.#isOver = true;
    this.#socket.destroy();
    this.#resolve({ answers: this.#answers, how, bytes: Buffer.concat(this.#chunks) });
  }

  /** `isLast`: no more bytes come; `isClean`: and that was said by FIN. */
  #look(isLast: boolean, isClean: boolean): void {
    while (this.#unread.length > 0 && !this.#isOver) {
      const answer = readAnswer(this.#unread, 0, this.#plan.method(this.#answers.length), isClean);
      if (answer.final.kind === 'part' && !isLast) return;
      this.#answers.push(answer);
      if (answer.final.kind !== 'whole') this.#isOver = true;
      this.#unread = this.#unread.subarray(answer.next);
    }
  }
}
