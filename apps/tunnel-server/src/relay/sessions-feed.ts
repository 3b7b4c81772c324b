/**
 * Tells the entries which sessions are here. Who comes and goes is told in the same turn; how busy they are at most
 * every 50 ms, since it only guides a choice between servers. An entry that is behind is told nothing until what it was
 * told before has left; then it hears of all that changed meanwhile at once.
 */
import { CloseCode } from '@sallyport/protocol';
import type { Clock, Link, SessionState, Timer } from '@sallyport/protocol';
import type { Session } from './session.ts';

const LOAD_PERIOD_MS = 50;
/** So that a frame of the longest names stays under 64 KiB. */
const SESSIONS_PER_FRAME = 200;
/** An uplink on which what it was told last has not left for so long is closed. */
const UNREAD_LIMIT_MS = 60_000;
const UNREAD = 'SESSIONS are not read';

/** Where an uplink is. */
interface Told {
  /** Changed since it was told last. */
  readonly owed: Set<Session>;
  /** What it was told last has left when so many bytes of what overtakes have. */
  leftAt: number;
  lastMs: number;
}

export class SessionsFeed {
  readonly #uplinks = new Map<Link, Told>();
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
    this.#uplinks.set(uplink, { owed: new Set(), leftAt: leavesAt(uplink), lastMs: this.#clock.nowMs() });
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
    let isBehind = false;
    for (const [uplink, told] of this.#uplinks) {
      for (const session of this.#changed) told.owed.add(session);
      if (uplink.egress.urgentLeftBytes >= told.leftAt) this.#tell(uplink, told);
      else if (this.#clock.nowMs() - told.lastMs >= UNREAD_LIMIT_MS) uplink.close(CloseCode.FLOOD, UNREAD);
      else isBehind = true;
    }
    this.#changed.clear();
    if (isBehind) this.#timer = this.#clock.after(LOAD_PERIOD_MS, this.#send);
  };

  #tell(uplink: Link, told: Told): void {
    const states = [...told.owed].map(stateOf);
    told.owed.clear();
    for (let at = 0; at < states.length; at += SESSIONS_PER_FRAME) {
      const sessions = states.slice(at, at + SESSIONS_PER_FRAME);
      uplink.sendSessions({ reset: false, complete: false, sessions });
    }
    told.leftAt = leavesAt(uplink);
    told.lastMs = this.#clock.nowMs();
  }
}

/** When all that waits to overtake on it now will have left. */
function leavesAt({ egress }: Link): number {
  return egress.urgentLeftBytes + egress.urgentBytes;
}

function stateOf(session: Session): SessionState {
  return {
    session: session.id,
    principal: session.principal,
    epoch: session.epoch,
    links: session.linkCount,
    free: session.free,
    waiting: session.waiting,
  };
}
