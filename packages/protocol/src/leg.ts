/**
 * One stream on one link, seen from one side: its phases, its credit in both directions, and its place in the link's
 * queue. An end of the tunnel holds one leg per stream; the relay holds two and passes frames from one to the other.
 */
import type { StreamCode } from './codes.ts';
import { FrameQueue } from './fair-queue.ts';
import { headBytes, isInformational, NO_FIELDS, openBytes, readStatus, writeHead, writeOpen } from './heads.ts';
import type { OpenHead, ResponseHead } from './heads.ts';
import type { Link } from './link.ts';
import { Phase, phaseAfterHead } from './phases.ts';
import { fitsHead, tableBytes, writeTable } from './strings.ts';
import { HEADER_BYTES, INITIAL_WINDOW_BYTES, Kind, LAST, writeU16 } from './wire.ts';

/**
 * What a leg's frames are given to, after the link has checked their place and credit. Offsets are those of the
 * payload; the frame's header is the 8 bytes before `start`. The buffer belongs to the owner from then on.
 */
export interface LegOwner {
  onHead(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void;
  onData(leg: Leg, frame: Buffer, start: number, end: number): void;
  onEnd(leg: Leg, frame: Buffer, start: number, end: number): void;
  /** ABORT, RESET, or the link is gone: the leg is over. `inOrder`: all that was sent before has arrived. */
  onCut(leg: Leg, code: number, notStarted: boolean, inOrder: boolean): void;
  onCredit(leg: Leg, bytes: number): void;
}

export class Leg extends FrameQueue {
  readonly link: Link;
  /** 0 until its OPEN has left. */
  id = 0;
  owner: LegOwner | null;
  inPhase: Phase;
  outPhase: Phase;
  informationalHeads = 0;
  /** Bytes of DATA that we may send. */
  sendCredit = INITIAL_WINDOW_BYTES;
  /** Bytes of DATA that the peer may send. */
  receiveCredit = INITIAL_WINDOW_BYTES;
  /** Granted, but not said yet. */
  ungranted = 0;
  isOver = false;

  constructor(link: Link, session: string, owner: LegOwner | null, weOpened: boolean) {
    super(session);
    this.link = link;
    this.owner = owner;
    this.inPhase = weOpened ? Phase.WAITING : Phase.BODY;
    this.outPhase = weOpened ? Phase.BODY : Phase.WAITING;
  }

  open(head: OpenHead, last: boolean): void {
    const { egress } = this.link;
    const at = egress.reserve(this, last ? Kind.OPEN | LAST : Kind.OPEN, this.id, openBytes(head));
    writeOpen(egress.target, at, head);
    if (last) this.#outEnds();
  }

  head(head: ResponseHead, last: boolean): void {
    const next = phaseAfterHead(this.outPhase, head.status, last);
    if (this.isOver || next === null) return;
    const { egress } = this.link;
    const at = egress.reserve(this, last ? Kind.HEAD | LAST : Kind.HEAD, this.id, headBytes(head));
    writeHead(egress.target, at, head);
    this.outPhase = next;
    this.finishIfDone();
  }

  /** At most MAX_DATA_BYTES and `sendCredit`. The chunk is copied. */
  data(chunk: Buffer, start: number, end: number): void {
    if (this.isOver) return;
    const { egress } = this.link;
    const at = egress.reserve(this, Kind.DATA, this.id, end - start);
    chunk.copy(egress.target, at, start, end);
    this.sendCredit -= end - start;
  }

  /** Ends our direction, with trailers where there are any; those that no frame can carry are left out. */
  end(fields: readonly string[]): void {
    if (this.isOver || this.outPhase !== Phase.BODY) return;
    const trailers = fitsHead(fields, 0) ? fields : NO_FIELDS;
    const { egress } = this.link;
    const at = egress.reserve(this, Kind.END, this.id, trailers.length === 0 ? 0 : tableBytes(trailers));
    if (trailers.length > 0) writeTable(egress.target, at, trailers);
    this.#outEnds();
  }

  /**
   * Passes a received frame on in stream order: OPEN, HEAD, DATA or END at `[start, end)`, header included. Phases and
   * credit were checked where it came in, and are the same here.
   */
  forward(kind: number, last: boolean, frame: Buffer, start: number, end: number): void {
    if (this.isOver) return;
    this.link.egress.forward(this, kind, frame, start, end);
    if (kind === Kind.DATA) this.sendCredit -= end - start - HEADER_BYTES;
    else if (kind === Kind.END || last) this.#outEnds();
    else if (kind === Kind.HEAD && !isInformational(readStatus(frame, start + HEADER_BYTES)))
      this.outPhase = Phase.BODY;
  }

  /** The source was cut: behind all that was sent before, and never to be taken for an end. */
  abort(code: StreamCode): void {
    if (this.isOver) return;
    const { egress } = this.link;
    const at = egress.reserve(this, Kind.ABORT, this.id, 2);
    writeU16(egress.target, at, code);
    this.over();
  }

  /** Not wanted or not possible: drops what waits. False when its OPEN had not left, so that the peer saw nothing. */
  reset(code: StreamCode, notStarted: boolean): boolean {
    if (this.isOver) return true;
    const { egress } = this.link;
    egress.drop(this);
    const departed = this.id !== 0;
    if (departed) {
      const at = egress.reserve(null, Kind.RESET, this.id, 3);
      writeU16(egress.target, at, code);
      egress.target[at + 2] = notStarted ? 1 : 0;
    }
    this.over();
    return departed;
  }

  /** Lets the peer send `bytes` more. What a turn grants goes out as one CREDIT, however finely it was granted. */
  grant(bytes: number): void {
    if (this.isOver || this.inPhase === Phase.ENDED) return;
    if (this.ungranted === 0) this.link.egress.grantLater(this);
    this.ungranted += bytes;
  }

  /** How much CREDIT is to say now, 0 for none: called by the egress as it leaves. */
  takeGrant(): number {
    const bytes = this.isOver || this.inPhase === Phase.ENDED ? 0 : this.ungranted;
    this.ungranted = 0;
    this.receiveCredit += bytes;
    return bytes;
  }

  /** Both directions ended: the stream is over for its owner. */
  finishIfDone(): void {
    if (this.outPhase === Phase.ENDED && this.inPhase === Phase.ENDED) this.over();
  }

  /** Nothing more comes or goes; the link keeps it until the last of what waits has left. */
  over(): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.frames.length === 0) this.link.forget(this);
  }

  #outEnds(): void {
    this.outPhase = Phase.ENDED;
    this.finishIfDone();
  }
}
