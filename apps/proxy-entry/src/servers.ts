/** The tunnel-servers that this entry has uplinks to, and which sessions each says it holds. */
import { performance } from 'node:perf_hooks';
import type { Link, SessionsUpdate, SessionState } from '@sallyport/protocol';
import { LostSessions } from './lost-sessions.ts';

export interface ServerConflict {
  readonly session: string;
  readonly keptPrincipal: string;
  readonly refusedPrincipal: string;
}

/** One server, over all links that it was reached by. */
export class ServerView {
  readonly name: string;
  readonly sessions = new Map<string, SessionState>();
  /** What it says of sessions that another server's owner holds: it is not believed. */
  readonly refused = new Map<string, SessionState>();
  link: Link | null = null;
  /** A full list came on the link in use. */
  isSynced = false;

  constructor(name: string) {
    this.name = name;
  }
}

export class Servers {
  readonly views: ServerView[] = [];
  readonly #onConflict: (conflict: ServerConflict) => void;
  readonly #nowMs: () => number;
  readonly #lost = new LostSessions();
  /** Requests from before the first list. Their limit is that of visitors' connections. */
  readonly #waiting = new Set<() => void>();

  /** `nowMs`: monotonic. */
  constructor(onConflict: (conflict: ServerConflict) => void, nowMs = () => performance.now()) {
    this.#onConflict = onConflict;
    this.#nowMs = nowMs;
  }

  add(name: string): ServerView {
    const view = new ServerView(name);
    this.views.push(view);
    return view;
  }

  /** It is nobody's to ask any more. */
  remove(view: ServerView): void {
    if (view.link !== null) this.linkLost(view, view.link);
    const place = this.views.indexOf(view);
    if (place !== -1) this.views.splice(place, 1);
  }

  get isSynced(): boolean {
    return this.views.some((view) => view.isSynced);
  }

  /** Once a server has said all it holds, or after `timeoutMs`. */
  whenSynced(timeoutMs: number): Promise<void> {
    if (this.isSynced) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
    });
  }

  linkUp(view: ServerView, link: Link): void {
    view.link = link;
  }

  linkLost(view: ServerView, link: Link): void {
    if (view.link !== link) return;
    view.link = null;
    view.isSynced = false;
    this.#forgetSessions(view);
    this.#reconsiderAll();
  }

  update(view: ServerView, link: Link, update: SessionsUpdate): void {
    if (view.link !== link) return;
    if (update.reset) this.#forgetSessions(view);
    for (const state of update.sessions) this.#take(view, state);
    if (!update.complete) return;
    // A list that was begun anew may lack what it had.
    this.#reconsiderAll();
    view.isSynced = true;
    for (const done of this.#waiting) done();
  }

  /**
   * Where a request for `session` goes: a server that holds it with a free slot, else the shortest queue; else any
   * server, which knows whether the session exists at all. Null: no server is connected.
   */
  choose(session: string, notThis: Link | null): Link | null {
    let best: Link | null = null;
    let bestRank = Number.POSITIVE_INFINITY;
    for (const view of this.views) {
      const { link } = view;
      if (link === null || !link.takesStreams || view.refused.has(session)) continue;
      const rank = rankOf(view.sessions.get(session)) + (link === notThis ? AVOID : 0);
      if (rank < bestRank) {
        best = link;
        bestRank = rank;
      }
    }
    return best;
  }

  /** Whether a server that could be asked holds it, reached by another link than `notThis`. */
  isHeldElsewhere(session: string, notThis: Link | null): boolean {
    return this.views.some(
      ({ link, sessions }) => link !== null && link !== notThis && link.takesStreams && sessions.has(session),
    );
  }

  /** Whether a server holds it, or one did of late: that another server does not know it then says nothing. */
  isKnown(session: string): boolean {
    if (this.views.some(({ sessions }) => sessions.has(session))) return true;
    return this.#lost.has(session, this.#nowMs());
  }

  /** What it held it holds no more, unless it says so anew. */
  #forgetSessions({ sessions, refused }: ServerView): void {
    const nowMs = this.#nowMs();
    for (const session of sessions.keys()) this.#lost.add(session, nowMs);
    sessions.clear();
    refused.clear();
  }

  #reconsiderAll(): void {
    for (const view of this.views) {
      if (view.refused.size === 0) continue;
      for (const session of view.refused.keys()) this.#reconsider(view, session);
    }
  }

  /** What another held, and holds no more, is believed of who was refused: it need not say so again. */
  #reconsider(view: ServerView, session: string): void {
    const state = view.refused.get(session);
    if (state === undefined) return;
    const owner = this.#ownerElsewhere(view, session);
    if (owner !== null && owner !== state.principal) return;
    view.refused.delete(session);
    view.sessions.set(session, state);
  }

  #take(view: ServerView, state: SessionState): void {
    if (state.links === 0) {
      view.refused.delete(state.session);
      if (!view.sessions.delete(state.session)) return;
      this.#lost.add(state.session, this.#nowMs());
      for (const each of this.views) this.#reconsider(each, state.session);
      return;
    }
    const owner = this.#ownerElsewhere(view, state.session);
    if (owner !== null && owner !== state.principal) {
      // What it said before was of the owner that it has lost.
      view.sessions.delete(state.session);
      const isNews = !view.refused.has(state.session);
      view.refused.set(state.session, state);
      if (isNews) {
        this.#onConflict({ session: state.session, keptPrincipal: owner, refusedPrincipal: state.principal });
      }
      return;
    }
    view.refused.delete(state.session);
    view.sessions.set(state.session, state);
  }

  #ownerElsewhere(view: ServerView, session: string): string | null {
    for (const other of this.views) {
      const state = other === view ? undefined : other.sessions.get(session);
      if (state !== undefined) return state.principal;
    }
    return null;
  }
}

/** A server that does not hold the session is asked only when none does; the one that just failed last of all. */
const UNKNOWN = 1e9;
const AVOID = 1e8;
const NO_SLOT = 1e4;

function rankOf(state: SessionState | undefined): number {
  if (state === undefined) return UNKNOWN;
  return state.free > 0 ? 0 : NO_SLOT + state.waiting;
}
