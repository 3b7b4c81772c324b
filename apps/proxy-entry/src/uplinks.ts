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
}

const RECONNECT = { minMs: 100, maxMs: 15_000 };

export class Uplinks {
  readonly #options: UplinkOptions;
  readonly #dialers: Dialer[] = [];
  readonly #local: Link[] = [];

  constructor(options: UplinkOptions) {
    this.#options = options;
  }

  get links(): Link[] {
    return [...this.#local, ...this.#dialers.flatMap((dialer) => dialer.links)];
  }

  dial(address: LinkAddress, credential: { readonly id: string; readonly secret: string }): void {
    const { clock, random, servers, onDial } = this.#options;
    const view = servers.add(address.url);
    const dialer: Dialer = new Dialer({
      address,
      credential,
      clock,
      random,
      backoff: RECONNECT,
      makeLink: (transport) => this.#link(transport, view, dialer),
      onEvent: (event) => onDial(address.url, event),
    });
    this.#dialers.push(dialer);
    dialer.start();
  }

  /** A server in this process. */
  attach(transport: Transport): void {
    this.#local.push(this.#link(transport, this.#options.servers.add('memory'), null));
  }

  stopDialling(): void {
    for (const dialer of this.#dialers) dialer.stop();
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
    return {
      onHello: (link) => {
        servers.linkUp(view, link);
        dialer?.ready();
        return null;
      },
      // The link refuses an OPEN from an acceptor before it comes here.
      onOpen: () => {},
      onSlots: () => {},
      onSessions: (link, update) => servers.update(view, link, update),
      onGoaway: (link) => {
        servers.linkLost(view, link);
        dialer?.replace(link);
      },
      // `takesStreams` tells the choice of server.
      onLate: () => {},
      onCanary: (_link, seconds) => onCanary(seconds),
      onClosed: (link, close) => {
        servers.linkLost(view, link);
        dialer?.closed(link, close);
      },
    };
  }
}
