/** One session at the client: its backend, its slots, and the links to the servers that offer it. */
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
import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import type { BackendTransport } from './backend/transport.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeHost } from './exchange.ts';

export interface SessionClientOptions {
  readonly session: string;
  readonly servers: readonly LinkAddress[];
  readonly credential: { readonly id: string; readonly secret: string };
  readonly instance: string;
  readonly deployment: string;
  readonly concurrency: number;
  readonly linksPerServer: number;
  readonly maxLongStreams: number;
  readonly reconnect: { readonly minMs: number; readonly maxMs: number };
  readonly life: LifeLimits;
  readonly helloTimeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly budget: WindowBudget;
  readonly maxWindowBytes: number;
  readonly backend: BackendTransport;
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

/** After this many failures to connect in a row the backend counts as down, until an answer comes. */
const BACKEND_DOWN_AFTER = 3;
const DRAIN_CHECK_MS = 50;
const CANNOT_CONNECT: ReadonlySet<StreamCode> = new Set([StreamCode.BACKEND_REFUSED, StreamCode.BACKEND_TIMEOUT]);

export class SessionClient implements ExchangeHost {
  readonly session: string;
  readonly clock: Clock;
  readonly budget: WindowBudget;
  readonly maxWindowBytes: number;
  readonly backend: BackendTransport;
  readonly hostField: string | null;
  readonly dialers: readonly Dialer[];
  /** The assertion that the server gives no more than was leased: nothing ever waits in it. */
  readonly #slots: LimitFunction;
  readonly #options: SessionClientOptions;
  readonly #leases = new Map<Link, LinkLeases>();
  #longStreams = 0;
  #connectFailures = 0;
  #wakeDrain: (() => void) | null = null;

  constructor(options: SessionClientOptions) {
    this.#options = options;
    this.session = options.session;
    this.clock = options.clock;
    this.budget = options.budget;
    this.maxWindowBytes = options.maxWindowBytes;
    this.backend = options.backend;
    this.hostField = options.hostField;
    this.#slots = pLimit(options.concurrency);
    const places = options.servers.flatMap((server) => Array.from({ length: options.linksPerServer }, () => server));
    this.dialers = places.map((server, i) => this.#dialer(server, leaseShare(options.concurrency, places.length, i)));
  }

  get busySlots(): number {
    return this.#slots.activeCount;
  }

  get freeSlots(): number {
    return this.#options.concurrency - this.busySlots;
  }

  get maxLongStreams(): number {
    return this.#options.maxLongStreams;
  }

  get longStreams(): number {
    return this.#longStreams;
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

  get isBackendUp(): boolean {
    return this.#connectFailures < BACKEND_DOWN_AFTER;
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
    await this.backend.close();
  }

  // ---- for exchanges

  takeLongStream(): boolean {
    if (this.#longStreams >= this.#options.maxLongStreams) {
      this.#options.observer.limitHit('long-streams');
      return false;
    }
    this.#longStreams += 1;
    return true;
  }

  longStreamOver(): void {
    this.#longStreams -= 1;
  }

  slotFree(leg: Leg): void {
    const leases = this.#leases.get(leg.link);
    if (leases === undefined) return;
    leases.returned = (leases.returned + 1) >>> 0;
    leg.link.sendSlots({ leases: leases.count, returned: leases.returned, waiting: 0 });
  }

  backendAnswered(): void {
    this.#connectFailures = 0;
  }

  backendTook(durationMs: number): void {
    this.#options.observer.backendTook(durationMs);
  }

  backendFailed(code: StreamCode, isStarted: boolean, error: Error): void {
    if (!isStarted && CANNOT_CONNECT.has(code)) this.#connectFailures += 1;
    this.#options.observer.backendFailed(this.session, code, error);
  }

  #dialer(server: LinkAddress, leases: number): Dialer {
    const { credential, clock, random, reconnect, observer, isPatient } = this.#options;
    const dialer: Dialer = new Dialer({
      address: server,
      credential,
      clock,
      random,
      backoff: reconnect,
      makeLink: (transport) => this.#link(dialer, transport, leases),
      onEvent: (event) => observer.dial(this.session, server.url, event),
      ...(isPatient === undefined ? {} : { isPatient }),
    });
    return dialer;
  }

  #link(dialer: Dialer, transport: Transport, leases: number): Link {
    const { clock, life, helloTimeoutMs } = this.#options;
    const link = new Link({
      transport,
      clock,
      life,
      helloTimeoutMs,
      peerRole: Role.SERVER,
      hello: ourHello({
        role: Role.CLIENT,
        heartbeatMs: life.heartbeatMs,
        leases,
        instance: this.#options.instance,
        session: this.session,
        deployment: this.#options.deployment,
      }),
      handler: this.#handler(dialer),
    });
    this.#leases.set(link, { count: leases, returned: 0, isAccepted: false });
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
    leases.isAccepted = true;
    dialer.ready();
  }

  #onOpen(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void {
    const open = readOpen(frame, start, end);
    if (open === null || open === 'bad-head') {
      leg.reset(open === null ? StreamCode.PROTOCOL : StreamCode.BAD_HEAD, true);
      return this.slotFree(leg);
    }
    if (this.#slots.activeCount + this.#slots.pendingCount >= this.#options.concurrency) {
      this.#options.observer.limitHit('slots');
      leg.reset(StreamCode.OVERLOADED, true);
      return this.slotFree(leg);
    }
    void this.#slots(runExchange, new Exchange(this, leg, open, last));
  }

  readonly #checkDrained = (): void => {
    if (this.#wakeDrain === null || this.streams > 0) return;
    this.#wakeDrain();
    this.#wakeDrain = null;
  };
}

interface LinkLeases {
  readonly count: number;
  returned: number;
  isAccepted: boolean;
}

function runExchange(exchange: Exchange): Promise<void> {
  return exchange.run();
}

/** The concurrency divided evenly. The configuration has at least one slot a link; where not, some have none. */
function leaseShare(concurrency: number, links: number, index: number): number {
  return Math.floor(concurrency / links) + (index < concurrency % links ? 1 : 0);
}
