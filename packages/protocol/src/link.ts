/**
 * One link: the handshake, the frames of the peer checked and handed on, streams found by id, and the link's end.
 * States: waiting for HELLO ──▶ ready ──▶ closed. GOAWAY, in either direction, stops new streams on a ready link.
 */
import type { Clock } from './clock.ts';
import { CloseCode, StreamCode } from './codes.ts';
import { encodeHello, encodeSessions, encodeSlots } from './control.ts';
import type { Hello, SessionsUpdate, Slots } from './control.ts';
import { Egress, URGENT_LIMIT_BYTES } from './egress.ts';
import { Leg } from './leg.ts';
import type { LegOwner } from './leg.ts';
import { LegTable } from './leg-table.ts';
import { Life } from './life.ts';
import type { Pulse } from './life.ts';
import { takeLinkFrame } from './link-frames.ts';
import type { LinkClosed, LinkHandler, LinkOptions } from './link-handler.ts';
import { takeStreamFrame } from './stream-frames.ts';
import type { Transport, TransportHandler } from './transport.ts';
import {
  FIRST_STREAM_KIND,
  HEADER_BYTES,
  Kind,
  LAST,
  MAX_MESSAGE_BYTES,
  MAX_STREAM_ID,
  payloadLengthFits,
  readU24,
  readU32,
  Role,
  writeU16,
  writeU32,
} from './wire.ts';

/** For metrics and people; on a link that leaves, or whose canary is late, no stream begins. */
export const LINK_STATES = ['opening', 'ready', 'late', 'leaving'] as const;
export type LinkState = (typeof LINK_STATES)[number];

export class Link implements TransportHandler, Pulse {
  readonly egress: Egress;
  readonly handler: LinkHandler;
  readonly clock: Clock;
  readonly isOpener: boolean;
  readonly peerRole: Role;
  readonly life: Life;
  /** Streams that are not over, and those whose last frames have not left. */
  readonly legs = new LegTable();
  /** The other side's HELLO; null until it came. */
  peer: Hello | null = null;
  isClosed = false;
  /** Neither side may begin a stream any more. */
  isGoingAway = false;
  receivedBytes = 0;
  /** Highest id opened on this link, by whichever side opens. */
  highestId = 0;
  /** Acceptors: OPENs above this were refused by our GOAWAY. */
  lastAcceptedId: number = MAX_STREAM_ID;
  readonly #transport: Transport;
  readonly #maxStreamId: number;

  constructor(options: LinkOptions) {
    const { transport, clock, hello } = options;
    this.handler = options.handler;
    this.clock = clock;
    this.peerRole = options.peerRole;
    this.isOpener = hello.role === Role.ENTRY || options.peerRole === Role.CLIENT;
    this.#transport = transport;
    this.#maxStreamId = options.maxStreamId ?? MAX_STREAM_ID;
    this.egress = new Egress(transport, clock, (leg) => this.#depart(leg));
    this.life = new Life(this, clock, options.life, options.helloTimeoutMs);
    transport.handler = this;
    this.#sendPayload(Kind.HELLO, encodeHello(hello));
    this.egress.writePing();
  }

  get isReady(): boolean {
    return this.peer !== null && !this.isClosed;
  }

  /** Whether a stream may be opened on it now. */
  get takesStreams(): boolean {
    return this.isReady && !this.isGoingAway && !this.life.isLate;
  }

  get state(): LinkState {
    if (this.peer === null) return 'opening';
    if (this.isGoingAway) return 'leaving';
    return this.life.isLate ? 'late' : 'ready';
  }

  get smoothedRttMs(): number {
    return this.egress.acks.smoothedRttMs;
  }

  get smoothedRttUs(): number {
    return this.egress.acks.smoothedRttMs * 1_000;
  }

  /** Openers. The leg has no id until its OPEN leaves. */
  openLeg(session: string, owner: LegOwner): Leg {
    return new Leg(this, session, owner, true);
  }

  sendSlots(slots: Slots): void {
    this.#sendPayload(Kind.SLOTS, encodeSlots(slots));
  }

  sendSessions(update: SessionsUpdate): void {
    this.#sendPayload(Kind.SESSIONS, encodeSessions(update));
  }

  /** Begins no stream and takes none from now on; what runs goes on. */
  goAway(code: StreamCode): void {
    if (this.isClosed || this.isGoingAway) return;
    this.isGoingAway = true;
    if (!this.isOpener) this.lastAcceptedId = this.highestId;
    this.#sendGoaway(code);
  }

  /** Ends the link; what was sent before still goes out. Reasons are for people's logs. */
  close(code: CloseCode, reason: string): void {
    if (this.isClosed) return;
    this.egress.flush();
    this.#transport.close(code, reason);
    this.#end({ code, reason, by: 'us' });
  }

  forget(leg: Leg): void {
    this.legs.delete(leg.id);
  }

  // ---- from the transport

  onMessage(message: Buffer): void {
    if (this.isClosed) return;
    this.receivedBytes += message.length;
    this.life.heard();
    if (message.length > MAX_MESSAGE_BYTES) return this.close(CloseCode.PROTOCOL, 'message too long');
    let at = 0;
    do {
      const start = at + HEADER_BYTES;
      const end = start + (start <= message.length ? readU24(message, at) : 0);
      if (end > message.length) return this.close(CloseCode.PROTOCOL, 'torn frame');
      this.#takeFrame(message, start, end);
      if (this.isClosed) return;
      at = end;
    } while (at < message.length);
    if (this.egress.answerBytes > URGENT_LIMIT_BYTES) this.close(CloseCode.FLOOD, 'answers are not read');
  }

  onText(): void {
    this.close(CloseCode.PROTOCOL, 'text message');
  }

  /** Another link is dialled, and this one finishes its streams. */
  onLeaving(): void {
    if (this.isClosed || this.isGoingAway) return;
    this.goAway(StreamCode.LINK_LOST);
    this.handler.onGoaway(this, StreamCode.LINK_LOST);
  }

  onSent(bytes: number): void {
    if (!this.isClosed) this.egress.onSent(bytes);
  }

  onClosed(code: number, reason: string): void {
    if (!this.isClosed) this.#end({ code, reason, by: 'peer' });
  }

  // ---- from life

  ping(): void {
    if (!this.egress.acks.pingUnderWay) this.egress.writePing();
  }

  canary(serial: number): void {
    this.#sendCanary(serial, 0);
  }

  late(isLate: boolean): void {
    this.handler.onLate(this, isLate);
  }

  canaryBack(seconds: number): void {
    this.handler.onCanary(this, seconds);
  }

  helloMissing(): void {
    this.close(CloseCode.PROTOCOL, 'no HELLO in time');
  }

  dead(): void {
    if (this.isClosed) return;
    // A closing handshake with a peer that is gone would wait for nothing.
    this.#end({ code: CloseCode.DEAD, reason: 'nothing heard for two heartbeats', by: 'us' });
    this.#transport.destroy();
  }

  /** Answers a canary from where OPENs are dispatched. */
  answerCanary(serial: number): void {
    this.#sendCanary(serial, 1);
  }

  answerPing(serial: number): void {
    const at = this.egress.reserve(null, Kind.PONG, 0, 8);
    writeU32(this.egress.target, at, serial);
    writeU32(this.egress.target, at + 4, this.receivedBytes % 2 ** 32);
  }

  /** Streams above `lastId`, and those whose OPEN has not left, never began at the peer. */
  peerGoesAway(code: number, lastId: number): void {
    this.isGoingAway = true;
    if (this.isOpener) {
      const notBegun = [...this.#undeparted(), ...this.legs.all().filter((leg) => leg.id > lastId)];
      for (const leg of notBegun) this.cut(leg, code, true, false);
    }
    this.handler.onGoaway(this, code);
  }

  /** Ends a leg and tells its owner. */
  cut(leg: Leg, code: number, notStarted: boolean, inOrder: boolean): void {
    this.egress.drop(leg);
    // Over for its owner, and only its last frames waited.
    if (leg.isOver) return this.forget(leg);
    leg.over();
    leg.owner?.onCut(leg, code, notStarted, inOrder);
  }

  #takeFrame(message: Buffer, start: number, end: number): void {
    const kindByte = message[start - HEADER_BYTES + 3]!;
    const kind = kindByte & ~LAST;
    const last = kindByte !== kind;
    const id = readU32(message, start - HEADER_BYTES + 4);
    if (!payloadLengthFits(kind, end - start)) return this.close(CloseCode.PROTOCOL, `length of kind ${kind}`);
    if (last && kind !== Kind.OPEN && kind !== Kind.HEAD) return this.close(CloseCode.PROTOCOL, `LAST on kind ${kind}`);
    if (this.peer === null && kind !== Kind.HELLO) return this.close(CloseCode.PROTOCOL, 'not HELLO first');
    if ((id === 0) !== kind < FIRST_STREAM_KIND) return this.close(CloseCode.PROTOCOL, `id ${id} for kind ${kind}`);
    if (kind < FIRST_STREAM_KIND) takeLinkFrame(this, kind, message, start, end);
    else takeStreamFrame(this, kind, last, id, message, start, end);
  }

  /** The OPEN of `leg` leaves now. */
  #depart(leg: Leg): void {
    this.highestId += 1;
    leg.id = this.highestId;
    this.legs.add(leg);
    if (leg.id === this.#maxStreamId) this.#idsRunOut();
  }

  #idsRunOut(): void {
    const wasGoingAway = this.isGoingAway;
    this.isGoingAway = true;
    for (const leg of this.#undeparted()) this.cut(leg, StreamCode.DRAINING, true, false);
    if (wasGoingAway) return;
    // Later than the OPEN that took the last id: who hears a GOAWAY may close as soon as it has no streams.
    this.clock.endOfTurn(() => {
      if (this.isClosed) return;
      this.#sendGoaway(StreamCode.LINK_LOST);
      this.handler.onGoaway(this, StreamCode.LINK_LOST);
    });
  }

  #undeparted(): Leg[] {
    return (this.egress.waiting.streams() as Leg[]).filter((leg) => leg.id === 0);
  }

  #sendPayload(kind: number, payload: Buffer): void {
    if (this.isClosed) return;
    const at = this.egress.reserve(null, kind, 0, payload.length);
    payload.copy(this.egress.target, at);
  }

  #sendGoaway(code: StreamCode): void {
    const at = this.egress.reserve(null, Kind.GOAWAY, 0, 6);
    writeU16(this.egress.target, at, code);
    writeU32(this.egress.target, at + 2, this.lastAcceptedId);
  }

  #sendCanary(serial: number, reply: number): void {
    if (this.isClosed) return;
    const at = this.egress.reserve(null, Kind.CANARY, 0, 5);
    writeU32(this.egress.target, at, serial);
    this.egress.target[at + 4] = reply;
  }

  #end(closed: LinkClosed): void {
    this.isClosed = true;
    this.life.stop();
    const undeparted = this.#undeparted();
    this.egress.close();
    for (const leg of undeparted) this.cut(leg, StreamCode.LINK_LOST, true, true);
    for (const leg of this.legs.all()) this.cut(leg, StreamCode.LINK_LOST, false, true);
    this.handler.onClosed(this, closed);
  }
}
