/**
 * The relay: uplinks on one side, client links on the other, sessions between them. It knows nothing of sockets, so
 * that a simulation can drive it; `accept.ts` gives it transports that were authenticated.
 */
import {
  CloseCode,
  CREDENTIAL_FOR_CLIENT,
  CREDENTIAL_FOR_ENTRY,
  CREDENTIAL_REVOKED,
  Link,
  ourHello,
  Role,
  StreamCode,
  readOpenSession,
} from '@sallyport/protocol';
import type { Clock, Hello, Leg, LifeLimits, LinkHandler, Slots, Timer, Transport } from '@sallyport/protocol';
import { ClientLink } from './client-link.ts';
import { Session } from './session.ts';
import type { QueueLimits } from './session.ts';
import { SessionsFeed } from './sessions-feed.ts';
import { RelayStream } from './stream.ts';

export interface RelayOptions {
  readonly clock: Clock;
  readonly life: LifeLimits;
  readonly helloTimeoutMs: number;
  /** May be written to; then `limitsChanged` is to be called. */
  readonly queue: QueueLimits;
  /** Which process and which deployment this is. */
  readonly instance: string;
  readonly deployment: string;
  /** Bytes queued on one link beyond which it is given no new requests. */
  readonly egressBytes: number;
  /** Whether the credential store names this session exactly: then it is known even while nobody serves it. */
  readonly namesSession: (session: string) => boolean;
  readonly observer: RelayObserver;
  readonly maxStreamId?: number;
}

/** Where the relay's counts go. */
export interface RelayObserver {
  queued(seconds: number): void;
  refused(code: number): void;
  limitHit(limit: string): void;
  canary(seconds: number): void;
  event(name: string, details: Readonly<Record<string, unknown>>): void;
}

/** Whose link it is, found out before the upgrade was answered. */
export interface LinkOwner {
  readonly principal: string;
  readonly remote: string;
  readonly allows: (session: string) => boolean;
  /** False once the credential was revoked: the link is closed. */
  readonly isActive: () => boolean;
  /** Called where an entry came with a client's credential, or the other way round: it was refused. */
  readonly misused: () => void;
}

/** A session without links is remembered this long: 503 instead of 404, and nobody else may take it. */
const SESSION_MEMORY_MS = 600_000;
/** Sessions of one principal that are remembered so: a credential for `team-*` could name another one each time. */
const REMEMBERED_LIMIT = 10_000;
const SWEEP_PERIOD_MS = 1_000;

interface Uplink {
  readonly link: Link;
  readonly owner: LinkOwner;
  readonly sinceMs: number;
}

export class Relay {
  readonly sessions = new Map<string, Session>();
  /** How many of them each principal has, served or not. */
  readonly #sessionsOf = new Map<string, number>();
  readonly uplinks = new Map<Link, Uplink>();
  readonly clientLinks = new Map<Link, ClientLink>();
  /** Since the start, once they have said hello: who only tries a credential does not count. */
  readonly accepted = { uplink: 0, client: 0 };
  /** Times that the canary of a client's link was late. */
  lateCanaries = 0;
  readonly #options: RelayOptions;
  readonly #feed: SessionsFeed;
  readonly #sweep: Timer;
  #isDraining = false;
  #wakeDrain: (() => void) | null = null;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#feed = new SessionsFeed(options.clock);
    this.#sweep = options.clock.every(SWEEP_PERIOD_MS, this.#onSweep);
  }

  get streams(): number {
    let streams = 0;
    for (const link of this.uplinks.keys()) streams += link.legs.size;
    return streams;
  }

  /** Sessions that a principal may have. Each that is served has a link, and of links there is a limit already. */
  get sessionsLimit(): number {
    return REMEMBERED_LIMIT + this.clientLinks.size;
  }

  /** Of the principal that has most of them. */
  get mostSessions(): number {
    let most = 0;
    for (const held of this.#sessionsOf.values()) most = Math.max(most, held);
    return most;
  }

  acceptUplink(transport: Transport, owner: LinkOwner): Link {
    const link = this.#link(transport, Role.ENTRY, {
      onHello: () => {
        this.accepted.uplink += 1;
        this.#feed.add(link, this.sessions.values());
        // Its head came before the drain, its upgrade after.
        if (this.#isDraining) link.goAway(StreamCode.DRAINING);
        return null;
      },
      onOpen: (leg, frame, start, end, last) => this.#onOpen(leg, frame, start, end, last),
      onSlots: () => {},
      onSessions: () => {},
      onGoaway: () => {},
      onLate: () => {},
      onCanary: () => {},
      onClosed: (_link, closed) => {
        this.#feed.remove(link);
        this.uplinks.delete(link);
        if (closed.by === 'us' && closed.reason === CREDENTIAL_FOR_ENTRY) owner.misused();
        this.#options.observer.event('uplink-closed', { ...closed, remote: owner.remote });
        this.#checkDrained();
      },
    });
    this.uplinks.set(link, { link, owner, sinceMs: this.#options.clock.nowMs() });
    return link;
  }

  acceptClient(transport: Transport, owner: LinkOwner): Link {
    let session: Session | null = null;
    const link = this.#link(transport, Role.CLIENT, {
      onHello: (_link, hello) => {
        const claimed = this.#claim(hello, owner);
        if (typeof claimed === 'number') return claimed;
        session = claimed;
        this.accepted.client += 1;
        clientLink.leases = hello.leases;
        session.links.add(clientLink);
        this.#feed.membershipChanged(session);
        // Tells the client that the session is its own: until then it cannot know.
        link.sendSlots({ leases: 0, returned: 0, waiting: session.waiting });
        session.pump();
        return null;
      },
      onOpen: () => {},
      onSlots: (_link, slots) => this.#onSlots(clientLink, session, slots),
      onSessions: () => {},
      onGoaway: (_link, code) => this.#leave(clientLink, session, code === StreamCode.LINK_LOST),
      onLate: (_link, isLate) => {
        this.#options.observer.event('client-late', { isLate, remote: owner.remote, session: session?.id });
        if (isLate) this.lateCanaries += 1;
        else session?.pump();
      },
      onCanary: (_link, seconds) => this.#options.observer.canary(seconds),
      onClosed: (_link, closed) => {
        this.#leave(clientLink, session, false);
        this.clientLinks.delete(link);
        if (closed.by === 'us' && closed.reason === CREDENTIAL_FOR_CLIENT) owner.misused();
        this.#options.observer.event('client-closed', { ...closed, remote: owner.remote, session: session?.id });
      },
    });
    const clientLink = new ClientLink(link, owner, this.#options);
    this.clientLinks.set(link, clientLink);
    return link;
  }

  /** The limits of the queue were written to. */
  limitsChanged(): void {
    for (const session of this.sessions.values()) session.limitsChanged();
  }

  /** Takes no new streams; resolves when those that run and wait are over. The caller sets the limit. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    for (const link of this.uplinks.keys()) link.goAway(StreamCode.DRAINING);
    if (this.streams > 0) await new Promise<void>((resolve) => (this.#wakeDrain = resolve));
  }

  close(): void {
    this.#sweep.stop();
    this.#feed.close();
    for (const session of this.sessions.values()) session.refuseAll(StreamCode.DRAINING);
    for (const link of [...this.uplinks.keys(), ...this.clientLinks.keys()]) link.close(CloseCode.DONE, 'stopped');
  }

  #link(transport: Transport, peerRole: Role, handler: LinkHandler): Link {
    const { clock, life, helloTimeoutMs, instance, deployment, maxStreamId } = this.#options;
    return new Link({
      transport,
      clock,
      peerRole,
      life,
      helloTimeoutMs,
      handler,
      ...(maxStreamId === undefined ? {} : { maxStreamId }),
      hello: ourHello({ role: Role.SERVER, heartbeatMs: life.heartbeatMs, instance, deployment }),
    });
  }

  #onOpen(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void {
    const id = readOpenSession(frame, start, end);
    if (id === null) return leg.link.close(CloseCode.PROTOCOL, 'malformed OPEN');
    const session = this.sessions.get(id);
    if (session === undefined) {
      return this.#refuse(leg, this.#options.namesSession(id) ? StreamCode.NO_CLIENT : StreamCode.NO_SESSION);
    }
    if (this.#isDraining) return this.#refuse(leg, StreamCode.DRAINING);
    if (leg.link.egress.queuedBytes > this.#options.egressBytes) {
      this.#options.observer.limitHit('link-egress');
      return this.#refuse(leg, StreamCode.OVERLOADED);
    }
    session.take(new RelayStream(session, leg), frame, start, end, last);
    this.#feed.loadChanged(session);
  }

  #refuse(leg: Leg, code: StreamCode): void {
    this.#options.observer.refused(code);
    leg.reset(code, true);
  }

  #onSlots(clientLink: ClientLink, session: Session | null, slots: Slots): void {
    if (!clientLink.takeSlots(slots.leases, slots.returned)) {
      return clientLink.link.close(CloseCode.SLOTS, 'more returned than given');
    }
    if (session === null) return;
    session.pump();
    this.#feed.loadChanged(session);
  }

  /** The session that a client may serve, made known if it is new; or what its link is closed with. */
  #claim(hello: Hello, { principal, allows }: LinkOwner): Session | CloseCode {
    if (!allows(hello.session)) return CloseCode.SESSION_REFUSED;
    const known = this.sessions.get(hello.session);
    if (known !== undefined) return known.principal === principal ? known : CloseCode.SESSION_REFUSED;
    const held = this.#sessionsOf.get(principal) ?? 0;
    // This link serves none yet.
    if (held >= this.sessionsLimit - 1) {
      this.#options.observer.limitHit('sessions');
      return CloseCode.OVERLOADED;
    }
    this.#sessionsOf.set(principal, held + 1);
    const { clock, queue, observer } = this.#options;
    const session = new Session(hello.session, principal, clock, queue, observer);
    this.sessions.set(hello.session, session);
    return session;
  }

  #leave(clientLink: ClientLink, session: Session | null, isReplaced: boolean): void {
    if (session === null || !session.links.has(clientLink)) return;
    session.removeLink(clientLink, isReplaced);
    this.#feed.membershipChanged(session);
  }

  /** Sessions that nobody served for long are forgotten; links whose credential was revoked end. */
  readonly #onSweep = (): void => {
    const nowMs = this.#options.clock.nowMs();
    for (const session of this.sessions.values()) {
      const isIdle = session.links.size === 0 && nowMs - session.idleSinceMs >= SESSION_MEMORY_MS;
      if (isIdle) this.#forget(session);
      if (session.givesUp()) this.#feed.membershipChanged(session);
      // A link that had too much to send says nothing when it has caught up.
      session.pump();
    }
    for (const { link, owner } of [...this.uplinks.values(), ...this.clientLinks.values()]) {
      if (!owner.isActive()) link.close(CloseCode.SESSION_REFUSED, CREDENTIAL_REVOKED);
    }
    this.#checkDrained();
  };

  #forget({ id, principal }: Session): void {
    this.sessions.delete(id);
    const held = (this.#sessionsOf.get(principal) ?? 0) - 1;
    if (held > 0) this.#sessionsOf.set(principal, held);
    else this.#sessionsOf.delete(principal);
  }

  #checkDrained(): void {
    if (this.#wakeDrain === null || this.streams > 0) return;
    this.#wakeDrain();
    this.#wakeDrain = null;
  }
}
