/**
 * The sessions that a client offers. One that is to be otherwise is replaced by another client of it: that one is dialled
 * beside the first, which takes no more once the second is up, and goes when what runs on it is over.
 */
import { isDeepStrictEqual } from 'node:util';
import type { DialEvent } from '@sallyport/protocol';
import type { SessionClient } from './session-client.ts';

type FatalDial = Extract<DialEvent, { kind: 'fatal' }>;

export interface Dialling {
  readonly onDial: (server: string, event: DialEvent) => void;
  /** See the dialler's options. */
  readonly isPatient: () => boolean;
}

/** A session as it is to be. */
export interface Wanted {
  readonly id: string;
  /** Plain data: a session whose settings are the same stays as it is. */
  readonly settings: unknown;
  readonly make: (dialling: Dialling) => SessionClient;
}

export interface SessionsObserver {
  dial(session: string, server: string, event: DialEvent): void;
  /** Dialling on is pointless for a session whose links were up, or that was offered from the start. */
  fatal(event: FatalDial): void;
  /** The client that is to take over is not up yet, and dials again; the one before stays until it is. */
  notReplaced(session: string, server: string, reason: string): void;
}

interface Place {
  readonly client: SessionClient;
  readonly settings: unknown;
  /** All its links were up, or it is there from the start: a refusal is fatal. Of what a reload brings servers may hear later. */
  isNeeded: boolean;
  wasUp: boolean;
  /** What takes over once it is up. */
  next: Place | null;
}

export class Sessions {
  readonly #observer: SessionsObserver;
  readonly #places = new Map<string, Place>();
  /** What no session is served by any more, until nothing runs on it. */
  readonly #retiring = new Map<SessionClient, Promise<void>>();
  #isStarted = false;

  constructor(observer: SessionsObserver) {
    this.#observer = observer;
  }

  /** One for each session. */
  get offered(): SessionClient[] {
    return [...this.#places.values()].map(({ client }) => client);
  }

  /** Those that are to take over, and those that finish what runs, as well. */
  get all(): SessionClient[] {
    const next = [...this.#places.values()].flatMap((place) => (place.next === null ? [] : [place.next.client]));
    return [...this.offered, ...next, ...this.#retiring.keys()];
  }

  /** Every session was up at least once. */
  get wereUp(): boolean {
    return [...this.#places.values()].every(({ wasUp }) => wasUp);
  }

  /** Offers these, and no others, from now on. Streams of one that is offered no more have `drainTimeoutMs` to end. */
  use(wanted: readonly Wanted[], drainTimeoutMs: number): void {
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, { client, next }] of this.#places) {
      if (ids.has(id)) continue;
      this.#places.delete(id);
      this.#retire(client, drainTimeoutMs);
      if (next !== null) this.#retire(next.client, drainTimeoutMs);
    }
    for (const each of wanted) this.#useOne(each);
    this.#isStarted = true;
  }

  /** Resolves when all that runs is over, or after `timeoutMs`; then everything is closed. */
  async stop(timeoutMs: number): Promise<void> {
    const all = this.all;
    const drained = all.map((client) => this.#retiring.get(client) ?? client.drain());
    await Promise.race([Promise.all(drained), new Promise((resolve) => setTimeout(resolve, timeoutMs).unref())]);
    await Promise.all(all.map((client) => client.close()));
  }

  #useOne({ id, settings, make }: Wanted): void {
    const place = this.#places.get(id);
    const last = place?.next ?? place;
    if (last !== undefined && isDeepStrictEqual(last.settings, settings)) return;
    const made: Place = {
      client: make({
        onDial: (server, event) => this.#onDial(id, made, server, event),
        isPatient: () => !made.isNeeded,
      }),
      settings,
      isNeeded: !this.#isStarted,
      wasUp: false,
      next: null,
    };
    if (place === undefined) {
      this.#places.set(id, made);
    } else {
      if (place.next !== null) this.#retire(place.next.client, null);
      place.next = made;
    }
    made.client.start();
  }

  #onDial(id: string, place: Place, server: string, event: DialEvent): void {
    const current = this.#places.get(id);
    if (current === undefined || (place !== current && place !== current.next)) return;
    if (event.kind === 'up') place.wasUp = true;
    if (event.kind === 'lost' && place === current.next) return this.#observer.notReplaced(id, server, event.reason);
    this.#replaceIfDue(id, current, place, event);
    const { client } = place;
    if (place === this.#places.get(id) && client.acceptedLinks === client.dialers.length) place.isNeeded = true;
    if (event.kind !== 'fatal') this.#observer.dial(id, server, event);
    // Where it has a successor, what ends it is no news.
    else if (current.next === null) this.#observer.fatal(event);
  }

  /** As many links as the first had are enough: it may have been without a server itself. */
  #replaceIfDue(id: string, current: Place, place: Place, event: DialEvent): void {
    const { next } = current;
    if (next === null) return;
    const enough = Math.min(current.client.acceptedLinks, next.client.dialers.length);
    const isUp = place === next && event.kind === 'up' && next.client.acceptedLinks >= enough;
    const isOver = place === current && event.kind === 'fatal';
    if (!isUp && !isOver) return;
    next.isNeeded ||= isOver;
    this.#places.set(id, next);
    this.#retire(current.client, null);
  }

  /** `limitMs`: null, what runs may take as long as it does. */
  #retire(client: SessionClient, limitMs: number | null): void {
    const timer = limitMs === null ? undefined : setTimeout(() => void client.close(), limitMs);
    const over = client.drain().then(async () => {
      clearTimeout(timer);
      await client.close();
      this.#retiring.delete(client);
    });
    this.#retiring.set(client, over);
  }
}
