/**
 * Tells the entries which sessions are here. Who comes and goes is told in the same turn; how busy they are at most
 * every 50 ms, since it only guides a choice between servers.
 */
import type { Clock, Link, SessionState, Timer } from '@sallyport/protocol';
import type { Session } from './session.ts';

const LOAD_PERIOD_MS = 50;
/** So that a frame of the longest names stays under 64 KiB. */
const SESSIONS_PER_FRAME = 200;

export class SessionsFeed {
  readonly #uplinks = new Set<Link>();
  readonly #changed = new Set<Session>();
  readonly #clock: Clock;
  #turnDue = false;
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A new uplink hears everything; `complete` once, with the last frame. */
  add(uplink: Link, sessions: Iterable<Session>): void {
    const states = [...sessions].filter((session) => session.linkCount > 0).map(stateOf);
    for (let at = 0; at === 0 || at < states.length; at += SESSIONS_PER_FRAME) {
      const part = states.slice(at, at + SESSIONS_PER_FRAME);
      uplink.sendSessions({ reset: at === 0, complete: at + SESSIONS_PER_FRAME >= states.length, sessions: part });
    }
    this.#uplinks.add(uplink);
  }

  remove(uplink: Link): void {
    this.#uplinks.delete(uplink);
  }

  membershipChanged(session: Session): void {
    this.#changed.add(session);
    if (this.#turnDue) return;
    this.#turnDue = true;
    this.#clock.endOfTurn(this.#send);
  }

  loadChanged(session: Session): void {
    this.#changed.add(session);
    if (this.#turnDue || this.#timer !== null) return;
    this.#timer = this.#clock.after(LOAD_PERIOD_MS, this.#send);
  }

  close(): void {
    this.#timer?.stop();
    this.#uplinks.clear();
  }

  readonly #send = (): void => {
    this.#turnDue = false;
    this.#timer?.stop();
    this.#timer = null;
    const states = [...this.#changed].map(stateOf);
    this.#changed.clear();
    for (let at = 0; at < states.length; at += SESSIONS_PER_FRAME) {
      const sessions = states.slice(at, at + SESSIONS_PER_FRAME);
      for (const uplink of this.#uplinks) uplink.sendSessions({ reset: false, complete: false, sessions });
    }
  };
}

function stateOf(session: Session): SessionState {
  return {
    session: session.id,
    principal: session.principal ?? '',
    epoch: session.epoch,
    links: session.linkCount,
    free: session.free,
    waiting: session.waiting,
  };
}
