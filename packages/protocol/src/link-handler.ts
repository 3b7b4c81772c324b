/** What a link is made of and whom it tells. */
import type { Clock } from './clock.ts';
import type { CloseCode } from './codes.ts';
import type { Hello, SessionsUpdate, Slots } from './control.ts';
import type { Leg } from './leg.ts';
import type { LifeLimits } from './life.ts';
import type { Link } from './link.ts';
import type { Transport } from './transport.ts';
import type { Role } from './wire.ts';

export interface LinkOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** What we say of ourselves. */
  readonly hello: Hello;
  /** The role that the other side must have; with ours it says who opens streams. */
  readonly peerRole: Role;
  readonly life: LifeLimits;
  readonly helloTimeoutMs: number;
  /** Given lower than the wire's largest id only to see a link rotate. */
  readonly maxStreamId?: number;
  readonly handler: LinkHandler;
}

export interface LinkHandler {
  /** The peer's HELLO is good in itself; a code refuses the link. */
  onHello(link: Link, hello: Hello): CloseCode | null;
  /** Acceptors only. Sets `leg.owner`, or resets the leg. Offsets are the payload's. */
  onOpen(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void;
  onSlots(link: Link, slots: Slots): void;
  onSessions(link: Link, update: SessionsUpdate): void;
  /** No new streams on this link: the peer said so, or its ids are running out. */
  onGoaway(link: Link, code: number): void;
  /** A canary is late: the link leaves the rotation until something arrives again. */
  onLate(link: Link, isLate: boolean): void;
  onCanary(link: Link, seconds: number): void;
  /** Once. All its legs have been cut before. */
  onClosed(link: Link, close: LinkClosed): void;
}

export interface LinkClosed {
  readonly code: number;
  readonly reason: string;
  readonly by: 'us' | 'peer';
}
