/** The entry's side of its uplinks: dialled to servers elsewhere, or in memory to the one in this process. */
import { Dialer, Link, ourHello, Role } from '@sallyport/protocol';
import type { Clock, CloseCode, DialEvent, LifeLimits, LinkAddress, LinkHandler, Transport } from '@sallyport/protocol';
import type { Servers, ServerView } from './servers.ts';

export interface UplinkOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly life: LifeLimits;
  readonly helloTimeoutMs: number;
  readonly instance: string;
  readonly deployment: string;
  readonly servers: Servers;
  readonly onCanary: (seconds: number) => void;
  readonly onDial: (server: string, event: DialEvent) => void;
  /** The link that is to take over is not up yet, and dialled again; the one before stays until it is. */
  readonly onNotReplaced: (server: string, reason: string) => void;
}

interface Credential {
  readonly id: string;
  readonly secret: string;
}

/** A server that an uplink is kept to. */
interface Place {
  readonly view: ServerView;
  readonly credential: Credential;
  readonly dialer: Dialer;
  /** What takes over once its link is up: until then nothing is lost. */
  next: Place | null;
}

const RECONNECT = { minMs: 100, maxMs: 15_000 };

export class Uplinks {
  /** Times that a canary was late. */
  lateCanaries = 0;
  readonly #options: UplinkOptions;
  /** By URL. */
  readonly #places = new Map<string, Place>();
  /** Their links finish what runs on them. */
  readonly #retiring = new Set<Dialer>();
  readonly #local: Link[] = [];

  constructor(options: UplinkOptions) {
    this.#options = options;
  }

  get links(): Link[] {
    return [...this.#local, ...this.#dialers().flatMap((dialer) => dialer.links)];
  }

  /**
   * Keeps an uplink to each of these servers, and to no others, from now on. Where the credential is another one a second
   * link is made beside the first, which goes once the second is up; what runs on a link that goes is finished on it.
   */
  use(addresses: readonly LinkAddress[], credential: Credential): void {
    const urls = new Set(addresses.map(({ url }) => url));
    for (const [url, place] of this.#places) {
      if (urls.has(url)) continue;
      this.#places.delete(url);
      this.#options.servers.remove(place.view);
      if (place.next !== null) this.#retire(place.next.dialer);
      this.#retire(place.dialer);
    }
    for (const address of addresses) this.#useOne(address, credential);
  }

  #useOne(address: LinkAddress, credential: Credential): void {
    const place = this.#places.get(address.url);
    const last = place?.next ?? place;
    if (last !== undefined && isSame(last.credential, credential)) return;
    const view = place?.view ?? this.#options.servers.add(address.url);
    const made = this.#dial(address, credential, view);
    if (place === undefined) {
      this.#places.set(address.url, made);
    } else {
      if (place.next !== null) this.#retire(place.next.dialer);
      place.next = made;
    }
    made.dialer.start();
  }

  #dial(address: LinkAddress, credential: Credential, view: ServerView): Place {
    const { clock, random } = this.#options;
    const dialer: Dialer = new Dialer({
      address,
      credential,
      clock,
      random,
      backoff: RECONNECT,
      makeLink: (transport) => this.#link(transport, view, dialer),
      onEvent: (event) => this.#onDial(address.url, dialer, event),
      // The server may not have heard of the new credential yet.
      isPatient: () => this.#places.get(address.url)?.next?.dialer === dialer,
      hasOthers: () => this.#hasOthers(address.url),
    });
    return { view, credential, dialer, next: null };
  }

  #onDial(url: string, dialer: Dialer, event: DialEvent): void {
    const { onDial, onNotReplaced } = this.#options;
    const place = this.#places.get(url);
    if (place === undefined) return;
    const { next } = place;
    const isNext = next?.dialer === dialer;
    if (!isNext && place.dialer !== dialer) return;
    if (event.kind === 'lost' && isNext) return onNotReplaced(url, event.reason);
    if (next !== null && event.kind === (isNext ? 'up' : 'fatal')) {
      this.#places.set(url, next);
      this.#retire(place.dialer);
      if (event.kind === 'fatal') return;
    }
    onDial(url, event);
  }

  /** Whether another server may be reached: that this one refuses us is then no reason to end. */
  #hasOthers(url: string): boolean {
    if (this.#local.length > 0) return true;
    return [...this.#places].some(
      ([other, { dialer, next }]) => other !== url && (!dialer.isRefused || next?.dialer.isRefused === false),
    );
  }

  /** Dials no more; its link goes when nothing runs on it. */
  #retire(dialer: Dialer): void {
    dialer.stop();
    if (dialer.link === null && dialer.links.length === 0) return;
    this.#retiring.add(dialer);
    if (dialer.link !== null) dialer.replace(dialer.link);
  }

  #dialers(): Dialer[] {
    const places = [...this.#places.values()].flatMap(({ dialer, next }) => [
      dialer,
      ...(next === null ? [] : [next.dialer]),
    ]);
    return [...places, ...this.#retiring];
  }

  /** A server in this process. */
  attach(transport: Transport): void {
    this.#local.push(this.#link(transport, this.#options.servers.add('memory'), null));
  }

  stopDialling(): void {
    for (const dialer of this.#dialers()) dialer.stop();
  }

  close(code: CloseCode): void {
    this.stopDialling();
    for (const link of this.links) link.close(code, 'stopped');
  }

  #link(transport: Transport, view: ServerView, dialer: Dialer | null): Link {
    const { clock, life, helloTimeoutMs, instance, deployment } = this.#options;
    return new Link({
      transport,
      clock,
      life,
      helloTimeoutMs,
      peerRole: Role.SERVER,
      handler: this.#handler(view, dialer),
      hello: ourHello({ role: Role.ENTRY, heartbeatMs: life.heartbeatMs, instance, deployment }),
    });
  }

  #handler(view: ServerView, dialer: Dialer | null): LinkHandler {
    const { servers, onCanary } = this.#options;
    let isAccepted = false;
    return {
      onHello: () => null,
      // The link refuses an OPEN from an acceptor before it comes here.
      onOpen: () => {},
      onSlots: () => {},
      // The server's first SESSIONS: our HELLO was good, and so is the credential for an entry.
      onSessions: (link, update) => {
        if (!isAccepted && !link.isGoingAway) {
          isAccepted = true;
          servers.linkUp(view, link);
          dialer?.ready();
        }
        servers.update(view, link, update);
      },
      onGoaway: (link) => {
        servers.linkLost(view, link);
        dialer?.replace(link);
      },
      // `takesStreams` tells the choice of server.
      onLate: (_link, isLate) => {
        if (isLate) this.lateCanaries += 1;
      },
      onCanary: (_link, seconds) => onCanary(seconds),
      onClosed: (link, close) => {
        servers.linkLost(view, link);
        if (dialer === null) return;
        dialer.closed(link, close);
        if (dialer.links.length === 0) this.#retiring.delete(dialer);
      },
    };
  }
}

function isSame(one: Credential, other: Credential): boolean {
  return one.id === other.id && one.secret === other.secret;
}
