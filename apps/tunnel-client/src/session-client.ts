/** One session at the client: its backend, and the links to the servers that offer it. Its limits may be another's too. */
import { CloseCode, Dialer, Link, readOpen, ourHello, Role, StreamCode } from '@sallyport/protocol';
import type {
  Clock,
  DialEvent,
  Leg,
  LifeLimits,
  LinkAddress,
  LinkHandler,
  Transport,
  WindowBudget,
} from '@sallyport/protocol';
import { BackendRecord } from './backend-record.ts';
import type { BackendTransport } from './backend/transport.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeHost } from './exchange.ts';
import { LinkLeases } from './link-leases.ts';
import type { QuotaUser, SessionLimits, SessionQuota } from './session-quota.ts';

export interface SessionClientOptions {
  readonly session: string;
  readonly servers: readonly LinkAddress[];
  readonly credential: { readonly id: string; readonly secret: string };
  readonly instance: string;
  readonly deployment: string;
  /** That of all clients of the session. */
  readonly quota: SessionQuota;
  readonly linksPerServer: number;
  readonly life: LifeLimits;
  readonly helloTimeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly budget: WindowBudget;
  readonly maxWindowBytes: number;
  readonly backend: BackendTransport;
  /** Its address as people may see it. */
  readonly backendName: string;
  readonly hostField: string | null;
  readonly observer: ClientObserver;
  /** See the dialler's options. */
  readonly isPatient?: () => boolean;
}

export interface ClientObserver {
  limitHit(limit: string): void;
  backendTook(durationMs: number): void;
  dial(session: string, server: string, event: DialEvent): void;
  backendFailed(session: string, code: StreamCode, error: Error): void;
}

const DRAIN_CHECK_MS = 50;

export class SessionClient implements ExchangeHost, QuotaUser {
  readonly session: string;
  readonly clock: Clock;
  readonly budget: WindowBudget;
  readonly maxWindowBytes: number;
  readonly backend: BackendTransport;
  readonly hostField: string | null;
  readonly quota: SessionQuota;
  readonly dialers: readonly Dialer[];
  readonly record = new BackendRecord();
  readonly #options: SessionClientOptions;
  readonly #leases = new Map<Link, LinkLeases>();
  /** Divided among the links; none until the quota leases by this client. */
  #leased = 0;
  #busy = 0;
  #wakeDrain: (() => void) | null = null;

  constructor(options: SessionClientOptions) {
    this.#options = options;
    this.session = options.session;
    this.clock = options.clock;
    this.budget = options.budget;
    this.maxWindowBytes = options.maxWindowBytes;
    this.backend = options.backend;
    this.hostField = options.hostField;
    this.quota = options.quota;
    const places = options.servers.flatMap((server) => Array.from({ length: options.linksPerServer }, () => server));
    this.dialers = places.map((server, place) => this.#dialer(server, place));
    this.quota.join(this);
  }

  get busy(): number {
    return this.#busy;
  }

  get links(): Link[] {
    return this.dialers.flatMap((dialer) => dialer.links);
  }

  get streams(): number {
    return this.links.reduce((sum, link) => sum + link.legs.size, 0);
  }

  /** Links on which a server has said that the session is ours. */
  get acceptedLinks(): number {
    return [...this.#leases.values()].filter(({ isAccepted }) => isAccepted).length;
  }

  get isConnected(): boolean {
    return this.dialers.some((dialer) => dialer.link?.isReady === true);
  }

  get backendName(): string {
    return this.#options.backendName;
  }

  start(): void {
    for (const dialer of this.dialers) dialer.start();
  }

  /** Takes no new requests; resolves when those that run are over. The caller sets the limit. */
  async drain(): Promise<void> {
    for (const dialer of this.dialers) dialer.stop();
    for (const link of this.links) link.goAway(StreamCode.DRAINING);
    if (this.streams === 0) return;
    // Streams end in many ways, and a drain is rare: it looks instead of being told.
    const timer = this.clock.every(DRAIN_CHECK_MS, this.#checkDrained);
    await new Promise<void>((resolve) => (this.#wakeDrain = resolve));
    timer.stop();
  }

  async close(): Promise<void> {
    for (const dialer of this.dialers) dialer.stop();
    for (const link of this.links) link.close(CloseCode.DONE, 'stopped');
    this.quota.leave(this);
    await this.backend.close();
  }

  // ---- for the quota

  lease(total: number): void {
    if (total === this.#leased) return;
    this.#leased = total;
    for (const [link, leases] of this.#leases) leases.set(link, this.#shareOf(leases.place));
  }

  limitsChanged({ backend }: SessionLimits): void {
    this.backend.configure(backend);
  }

  // ---- for exchanges

  takeLongStream(): boolean {
    const isTaken = this.quota.takeLongStream();
    if (!isTaken) this.#options.observer.limitHit('long-streams');
    return isTaken;
  }

  longStreamOver(): void {
    this.quota.longStreamOver();
  }

  slotFree(leg: Leg): void {
    this.#busy -= 1;
    this.quota.busyChanged(this);
    this.#leases.get(leg.link)?.giveBack(leg.link);
  }

  backendAnswered(): void {
    this.record.answered();
  }

  backendTook(status: number, durationMs: number): void {
    this.record.took(status, durationMs);
    this.#options.observer.backendTook(durationMs);
  }

  backendFailed(code: StreamCode, isStarted: boolean, error: Error): void {
    this.record.failed(code, isStarted, error);
    this.#options.observer.backendFailed(this.session, code, error);
  }

  #dialer(server: LinkAddress, place: number): Dialer {
    const { credential, clock, random, quota, observer, isPatient } = this.#options;
    const dialer: Dialer = new Dialer({
      address: server,
      credential,
      clock,
      random,
      backoff: quota.reconnect,
      makeLink: (transport) => this.#link(dialer, transport, place),
      onEvent: (event) => observer.dial(this.session, server.url, event),
      hasOthers: () => this.dialers.some((each) => each !== dialer && !each.isRefused),
      ...(isPatient === undefined ? {} : { isPatient }),
    });
    return dialer;
  }

  #link(dialer: Dialer, transport: Transport, place: number): Link {
    const { clock, life, helloTimeoutMs } = this.#options;
    const count = this.#shareOf(place);
    const link = new Link({
      transport,
      clock,
      life,
      helloTimeoutMs,
      peerRole: Role.SERVER,
      hello: ourHello({
        role: Role.CLIENT,
        heartbeatMs: life.heartbeatMs,
        leases: count,
        instance: this.#options.instance,
        session: this.session,
        deployment: this.#options.deployment,
      }),
      handler: this.#handler(dialer),
    });
    this.#leases.set(link, new LinkLeases(place, count));
    return link;
  }

  #handler(dialer: Dialer): LinkHandler {
    return {
      onHello: () => null,
      onOpen: (leg, frame, start, end, last) => this.#onOpen(leg, frame, start, end, last),
      onSlots: (link) => this.#accepted(dialer, link),
      onSessions: () => {},
      onGoaway: (link) => dialer.replace(link),
      onLate: () => {},
      onCanary: () => {},
      onClosed: (link, close) => {
        this.#leases.delete(link);
        dialer.closed(link, close);
        this.#checkDrained();
      },
    };
  }

  /** The server's first SLOTS: the session is ours. */
  #accepted(dialer: Dialer, link: Link): void {
    const leases = this.#leases.get(link);
    if (leases === undefined || leases.isAccepted) return;
    leases.accepted(link);
    dialer.ready();
  }

  #onOpen(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void {
    const leases = this.#leases.get(leg.link);
    if (leases === undefined) return;
    this.#busy += 1;
    const isLeased = leases.take();
    this.quota.busyChanged(this);
    const open = readOpen(frame, start, end);
    if (open === null || open === 'bad-head') {
      leg.reset(open === null ? StreamCode.PROTOCOL : StreamCode.BAD_HEAD, true);
      return this.slotFree(leg);
    }
    if (!isLeased) {
      this.#options.observer.limitHit('slots');
      leg.reset(StreamCode.OVERLOADED, true);
      return this.slotFree(leg);
    }
    void this.quota.slots(runExchange, new Exchange(this, leg, open, last));
  }

  /** Of what is leased, that of the link in this place. The configuration has at least one slot a link; where not, some have none. */
  #shareOf(place: number): number {
    const { length } = this.dialers;
    return Math.floor(this.#leased / length) + (place < this.#leased % length ? 1 : 0);
  }

  readonly #checkDrained = (): void => {
    if (this.#wakeDrain === null || this.streams > 0) return;
    this.#wakeDrain();
    this.#wakeDrain = null;
  };
}

function runExchange(exchange: Exchange): Promise<void> {
  return exchange.run();
}
