/** One case of HTTP/2 under way: what was to come, what came, and whether that is what had to. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Arrivals } from './arrivals.ts';
import { piecesOf } from './case.ts';
import type { ExpectedRequest } from './expected.ts';
import { h2Bytes, streamOf } from './h2-case.ts';
import type { H2Case } from './h2-case.ts';
import { readH2 } from './h2-expected.ts';
import { Flag, Frame, frame, readFrame } from './h2-frames.ts';
import type { ReadFrame } from './h2-frames.ts';
import type { Request } from './rfc9112.ts';
import type { Run } from './run-kind.ts';
import type { Script } from './script.ts';
import { writePieces } from './visitor.ts';

/** What came on one stream. */
interface Stream {
  body: Buffer;
  isWhole: boolean;
  isReset: boolean;
  /** Frames of its heads, interim ones among them. */
  heads: number;
}

export class H2Run implements Run {
  readonly address: string;
  readonly expected: readonly ExpectedRequest[];
  isOver = false;
  readonly #spec: H2Case;
  readonly #arrivals: Arrivals;
  readonly #streams: readonly Stream[];
  #unread: Buffer = Buffer.alloc(0);
  /** GOAWAY with an error, or the end of the connection without one. */
  #isBroken = false;
  #seen = '';

  constructor(spec: H2Case, address: string) {
    this.#spec = spec;
    this.address = address;
    this.expected = spec.requests.map(readH2);
    this.#arrivals = new Arrivals({ expected: this.expected, answers: spec.answers, address, isOrdered: false });
    this.#streams = spec.requests.map(() => ({ body: Buffer.alloc(0), isWhole: false, isReset: false, heads: 0 }));
  }

  get admitted(): number {
    return this.#arrivals.count;
  }

  take(request: Request, isWhole: boolean, serial: number): Script | string | null {
    return this.#arrivals.take(request, isWhole, serial);
  }

  async visit(url: URL, ceilingMs: number): Promise<string | null> {
    const socket = connect({ host: url.hostname, port: Number(url.port), localAddress: this.address, noDelay: true });
    const done = this.#read(socket, ceilingMs);
    await writePieces(socket, piecesOf(h2Bytes(this.#spec), this.#spec.tears));
    // Only now: between the pieces it would stand in the midst of a frame.
    if (!socket.destroyed) socket.write(frame(Frame.SETTINGS, Flag.ACK, 0));
    const isLate = await done;
    socket.destroy();
    const problem = isLate ? 'not all came in time' : this.#finish();
    return problem === null ? null : `${problem}; the visitor read ${this.#seen}`;
  }

  /** Until every stream has ended, or the connection; true: not in time. */
  #read(socket: Socket, ceilingMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), ceilingMs);
      const end = () => {
        clearTimeout(timer);
        resolve(false);
      };
      socket
        .on('data', (chunk: Buffer) => {
          this.#take(chunk);
          if (this.#hasAll()) end();
        })
        .on('error', () => {})
        .once('close', () => {
          this.#isBroken = true;
          end();
        });
    });
  }

  #take(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (;;) {
      const read = readFrame(this.#unread, 0);
      if (read === null) return;
      this.#unread = this.#unread.subarray(read.next);
      this.#onFrame(read.frame);
    }
  }

  #onFrame({ type, flags, stream, payload }: ReadFrame): void {
    this.#seen += ` ${NAMES[type] ?? type}/${stream}${(flags & Flag.END_STREAM) !== 0 ? '.' : ''}`;
    if (type === Frame.GOAWAY) {
      this.#seen += ` (${payload.readUInt32BE(4)})`;
      this.#isBroken = true;
    }
    const of = this.#streams[this.#streams.findIndex((_, place) => streamOf(place) === stream)];
    if (of === undefined) return;
    if (type === Frame.HEADERS) of.heads += 1;
    if (type === Frame.DATA) of.body = Buffer.concat([of.body, payload]);
    if (type === Frame.RST_STREAM) {
      this.#seen += ` (${payload.readUInt32BE(0)})`;
      of.isReset = true;
    }
    if (type <= Frame.HEADERS && (flags & Flag.END_STREAM) !== 0) of.isWhole = true;
  }

  #hasAll(): boolean {
    return this.#streams.every(({ isWhole, isReset }, place) => {
      if (isWhole || this.#spec.requests[place]!.isUnended) return true;
      // One that is right is reset with its connection alone: the end of that is still to come.
      return isReset && (this.#isBroken || !this.#isRight(place));
    });
  }

  #isRight(place: number): boolean {
    const { reading, verdict } = this.expected[place]!;
    return reading.kind === 'whole' && verdict?.kind === 'admit';
  }

  #finish(): string | null {
    const isMalformed = this.expected.some(
      ({ reading, verdict }) => reading.kind === 'wrong' || verdict?.kind !== 'admit',
    );
    for (const [place, stream] of this.#streams.entries()) {
      const problem = this.#checkStream(place, stream, isMalformed);
      if (problem !== null) return `stream ${streamOf(place)}: ${problem}`;
    }
    return null;
  }

  #checkStream(place: number, stream: Stream, mayBreak: boolean): string | null {
    const { reading, verdict } = this.expected[place]!;
    const scripts = this.#arrivals.scripts(place);
    if (stream.isWhole && isOwn(stream)) {
      // What may be refused by its trailers can be answered by its head before.
      const hasToBeRead = verdict?.kind === 'either' ? this.#arrivals.wasRead(place) : scripts.length > 0;
      if (hasToBeRead && reading.kind === 'whole') return `refused, yet the backend read it: ${stream.body.toString()}`;
      return this.#isRight(place) ? `refused what is right: ${stream.body.toString()}` : null;
    }
    if (stream.isWhole) {
      const bodies = scripts.map(({ read }) => read.final.message?.body);
      return bodies.some((body) => body?.equals(stream.body) === true)
        ? null
        : `an answer of somebody else, or of nobody (${scripts.length})`;
    }
    if (!this.#isRight(place)) return null;
    // One that is malformed may take the connection with it.
    return mayBreak && this.#isBroken ? null : `no answer to what is right${stream.isReset ? ', but a reset' : ''}`;
  }
}

const NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(Frame).map(([name, type]) => [type, name]),
);

function isOwn({ body }: Stream): boolean {
  return body.includes('"code":"SP_') || body.length === 0;
}
