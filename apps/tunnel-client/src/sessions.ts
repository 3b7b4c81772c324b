/**
 * The sessions that a client offers. New limits are put in force where they are. A session that is to be otherwise is
 * replaced by another client of it: that one is dialled beside the first, which takes no more once the second is up, and
 * goes when what runs on it is over. Both count against the same limits, and there is no third: until the first has gone,
 * nothing else replaces the second.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { DialEvent } from '@sallyport/protocol';
import type { SessionClient } from './session-client.ts';
import { SessionQuota } from './session-quota.ts';
import type { SessionLimits } from './session-quota.ts';

/** New leases go over another connection than the farewell of the old links, and are to be there first. */
const OVERLAP_MS = 100;

type FatalDial = Extract<DialEvent, { kind: 'fatal' }>;

export interface Dialling {
  readonly onDial: (server: string, event: DialEvent) => void;
  /** See the dialler's options. */
  readonly isPatient: () => boolean;
}

/** A session as it is to be. */
export interface Wanted {
  readonly id: string;
  /** Plain data: a session whose settings are the same keeps its client. */
  readonly settings: unknown;
  readonly limits: SessionLimits;
  readonly make: (quota: SessionQuota, dialling: Dialling) => SessionClient;
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

  /** Of every session that still has a client. */
  get quotas(): Set<SessionQuota> {
    return new Set(this.all.map(({ quota }) => quota));
  }

  /** Every session was up at least once. */
  get wereUp(): boolean {
    return [...this.#places.values()].every(({ wasUp }) => wasUp);
  }

  /** What keeps these from being offered: a session that would have more clients than two. Null: nothing. */
  obstacleTo(wanted: readonly Wanted[]): string | null {
    for (const { id, settings } of wanted) {
      const place = this.#places.get(id);
      if (place !== undefined && !differs(place, settings)) continue;
      const busy = [...this.#retiring.keys()].filter(({ session, streams }) => session === id && streams > 0);
      // One that was taken away for a while has its time to end, and then room for one client beside it.
      if (busy.length < (place === undefined ? 2 : 1)) continue;
      const streams = busy.reduce((sum, client) => sum + client.streams, 0);
      return `session ${id}: an earlier reload replaced its links, and streams still run on them (${streams}); ask again once they have ended`;
    }
    return null;
  }

  /** Offers these, and no others, from now on. Streams of one that is offered no more have `drainTimeoutMs` to end. */
  use(wanted: readonly Wanted[], drainTimeoutMs: number): void {
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, { client, next }] of this.#places) {
      if (ids.has(id)) continue;
      this.#places.delete(id);
      this.#retire(client);
      if (next !== null) this.#retire(next.client);
      for (const [each, over] of this.#retiring) {
        if (each.session === id) this.#limit(each, over, drainTimeoutMs);
      }
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

  #useOne({ id, settings, limits, make }: Wanted): void {
    const place = this.#places.get(id);
    const quota = this.#quotaOf(id) ?? new SessionQuota(limits);
    quota.configure(limits);
    if (place !== undefined && !differs(place, settings)) return;
    const made: Place = {
      client: make(quota, {
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
      quota.leaseBy(made.client);
    } else {
      if (place.next !== null) this.#retire(place.next.client);
      place.next = made;
    }
    made.client.start();
  }

  /** That of its clients, the retiring ones too. */
  #quotaOf(id: string): SessionQuota | undefined {
    const client = this.#places.get(id)?.client ?? [...this.#retiring.keys()].find(({ session }) => session === id);
    return client?.quota;
  }

  #onDial(id: string, place: Place, server: string, event: DialEvent): void {
    const current = this.#places.get(id);
    if (current === undefined || (place !== current && place !== current.next)) return;
    if (event.kind === 'up') place.wasUp = true;
    this.#replaceIfDue(id, current, place === current && event.kind === 'fatal');
    if (event.kind === 'lost' && place === this.#places.get(id)?.next) {
      return this.#observer.notReplaced(id, server, event.reason);
    }
    const { client } = place;
    if (place === this.#places.get(id) && client.acceptedLinks === client.dialers.length) place.isNeeded = true;
    if (event.kind !== 'fatal') this.#observer.dial(id, server, event);
    // Where it has a successor, what ends it is no news.
    else if (current.next === null) this.#observer.fatal(event);
  }

  /**
   * As many links as the first has are enough: it may be without a server itself, or lose one while it waits for the other.
   * So whatever happens to either is looked at. `isOver`: the first will have none any more.
   */
  #replaceIfDue(id: string, current: Place, isOver: boolean): void {
    const { next } = current;
    if (next === null) return;
    const enough = Math.max(1, Math.min(current.client.acceptedLinks, next.client.dialers.length));
    if (next.client.acceptedLinks < enough && !isOver) return;
    next.isNeeded ||= isOver;
    this.#places.set(id, next);
    next.client.quota.leaseBy(next.client);
    this.#retire(current.client, isOver ? 0 : OVERLAP_MS);
  }

  /** It takes no more requests after `delayMs`. What runs may take as long as it does. */
  #retire(client: SessionClient, delayMs = 0): void {
    const drained = delayMs === 0 ? client.drain() : delay(delayMs).then(() => client.drain());
    const over = drained.then(async () => {
      await client.close();
      this.#retiring.delete(client);
    });
    this.#retiring.set(client, over);
  }

  #limit(client: SessionClient, over: Promise<void>, limitMs: number): void {
    const timer = setTimeout(() => void client.close(), limitMs);
    void over.then(() => clearTimeout(timer));
  }
}

/** Whether this place, as it is or as it is to be, has other settings. */
function differs({ settings, next }: Place, wanted: unknown): boolean {
  return !isDeepStrictEqual(next === null ? settings : next.settings, wanted);
}
