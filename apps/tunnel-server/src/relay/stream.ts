/**
 * One request passing through the relay: a leg on the uplink it came from and, once it has a slot, one on a client
 * link. Bytes are passed on as they are; only ids and the relay's own times are written into them.
 *
 *   waiting (in the session's queue, holding the head and at most W0 of body) ──▶ relaying ──▶ over
 */
import {
  addOpenRtt,
  fillHead,
  HEADER_BYTES,
  Kind,
  MergeBuffer,
  readBackendUs,
  readStatus,
  StreamCode,
} from '@sallyport/protocol';
import type { Leg, LegOwner } from '@sallyport/protocol';
import type { ClientLink } from './client-link.ts';
import type { Session } from './session.ts';
import type { Waiter } from './waiting.ts';

/** What a waiting request has sent so far: its OPEN, at most W0 of body, its END. */
interface Held {
  readonly open: Buffer;
  readonly last: boolean;
  readonly body: MergeBuffer;
  end: Buffer | null;
}

export class RelayStream implements LegOwner, Waiter<RelayStream> {
  ahead: RelayStream | null = null;
  behind: RelayStream | null = null;
  readonly session: Session;
  readonly openedMs: number;
  readonly #uplinkLeg: Leg;
  #clientLeg: Leg | null = null;
  #clientLink: ClientLink | null = null;
  /** Only while waiting. Its limit: one OPEN, W0 of DATA, one END. */
  #held: Held | null = null;
  #queuedMs = 0;

  constructor(session: Session, uplinkLeg: Leg) {
    this.session = session;
    this.#uplinkLeg = uplinkLeg;
    uplinkLeg.owner = this;
    this.openedMs = uplinkLeg.link.clock.nowMs();
  }

  /** A slot was free at once: the OPEN at `[start, end)`, payload offsets, goes out on `clientLink` as it came. */
  startAtOnce(clientLink: ClientLink, frame: Buffer, start: number, end: number, last: boolean): void {
    addOpenRtt(frame, start, clientLink.link.smoothedRttUs);
    this.#begin(clientLink).forward(Kind.OPEN, last, frame, start - HEADER_BYTES, end);
  }

  /** No slot yet: the OPEN is kept, and what follows it. */
  wait(frame: Buffer, start: number, end: number, last: boolean): void {
    this.#held = { open: copyOf(frame, start, end), last, body: new MergeBuffer(), end: null };
  }

  /** A slot came free: the request goes out on `clientLink`. */
  start(clientLink: ClientLink): void {
    this.#queuedMs = clientLink.link.clock.nowMs() - this.openedMs;
    const { open, last, body, end } = this.#held!;
    this.#held = null;
    addOpenRtt(open, HEADER_BYTES, clientLink.link.smoothedRttUs);
    const leg = this.#begin(clientLink);
    leg.forward(Kind.OPEN, last, open, 0, open.length);
    if (body.length > 0) leg.data(body.view(), 0, body.length);
    if (end !== null) leg.forward(Kind.END, false, end, 0, end.length);
  }

  /** No slot for it: the entry is told why, and that it may try elsewhere. */
  refuse(code: StreamCode): void {
    this.#held = null;
    this.#uplinkLeg.reset(code, true);
  }

  // ---- from either leg; the link has checked place and credit

  onHead(_leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void {
    const now = this.#uplinkLeg.link.clock.nowMs();
    const serverUs = (now - this.openedMs) * 1_000;
    fillHead(frame, start, this.#uplinkLeg.link.smoothedRttUs, serverUs, this.#queuedMs * 1_000);
    this.#clientLink!.answered(readStatus(frame, start), readBackendUs(frame, start), now);
    this.#uplinkLeg.forward(Kind.HEAD, last, frame, start - HEADER_BYTES, end);
  }

  onData(leg: Leg, frame: Buffer, start: number, end: number): void {
    this.#pass(leg, Kind.DATA, frame, start, end);
  }

  onEnd(leg: Leg, frame: Buffer, start: number, end: number): void {
    this.#pass(leg, Kind.END, frame, start, end);
  }

  onCredit(leg: Leg, bytes: number): void {
    this.#other(leg)?.grant(bytes);
  }

  onCut(leg: Leg, code: number, notStarted: boolean, inOrder: boolean): void {
    if (leg === this.#uplinkLeg) this.#cutByEntry(code, inOrder);
    else this.#cutByClient(code, notStarted, inOrder);
  }

  #cutByEntry(code: number, inOrder: boolean): void {
    const leg = this.#clientLeg;
    if (leg === null) {
      this.#held = null;
      this.session.leaveQueue(this);
    } else if (inOrder && code !== StreamCode.LINK_LOST) {
      leg.abort(code as StreamCode);
    } else if (!leg.reset(code === StreamCode.LINK_LOST ? StreamCode.CANCELLED : (code as StreamCode), false)) {
      // Its OPEN never left, so the client will not return the lease: we do.
      this.#clientLink!.unopened();
      this.session.pump();
    }
  }

  #cutByClient(code: number, notStarted: boolean, inOrder: boolean): void {
    // No connection in time, or none at all.
    const isUnconnected = code === StreamCode.BACKEND_TIMEOUT && notStarted;
    if (isUnconnected || code === StreamCode.BACKEND_REFUSED) this.#clientLink!.connectFailed();
    if (notStarted || !inOrder) this.#uplinkLeg.reset(code as StreamCode, notStarted);
    else this.#uplinkLeg.abort(code as StreamCode);
  }

  #begin(clientLink: ClientLink): Leg {
    const leg = clientLink.link.openLeg(this.session.id, this);
    this.#clientLink = clientLink;
    this.#clientLeg = leg;
    return leg;
  }

  #pass(from: Leg, kind: number, frame: Buffer, start: number, end: number): void {
    const to = this.#other(from);
    if (to !== null) to.forward(kind, false, frame, start - HEADER_BYTES, end);
    else if (kind === Kind.DATA) this.#held?.body.add(frame.subarray(start, end));
    else if (this.#held !== null) this.#held.end = copyOf(frame, start, end);
  }

  #other(leg: Leg): Leg | null {
    return leg === this.#uplinkLeg ? this.#clientLeg : this.#uplinkLeg;
  }
}

/** The whole frame, by itself: a view would keep the message that it came in alive. */
function copyOf(message: Buffer, start: number, end: number): Buffer {
  return Buffer.from(message.subarray(start - HEADER_BYTES, end));
}
