/** One session: its owner, the client links that serve it, and the one place where its requests wait. */
import { StreamCode } from '@sallyport/protocol';
import type { Clock, Timer } from '@sallyport/protocol';
import type { ClientLink } from './client-link.ts';
import type { RelayObserver } from './relay.ts';
import type { RelayStream } from './stream.ts';
import { Waiting } from './waiting.ts';

export interface QueueLimits {
  /** Requests that wait per session. */
  readonly limit: number;
  readonly timeoutMs: number;
}

const SMOOTHING = 1 / 8;
/** A client whose link must be made anew, and which says so, has this long: requests wait for it. */
const REPLACE_MS = 2_000;

export class Session {
  readonly id: string;
  /** Who owns it. */
  readonly principal: string;
  readonly epoch = 1;
  readonly links = new Set<ClientLink>();
  /** When its last link left. */
  idleSinceMs: number;
  /** Until when another link is expected in the place of the last one; 0: none is. */
  #expectedUntilMs = 0;
  readonly #clock: Clock;
  readonly #limits: QueueLimits;
  readonly #observer: RelayObserver;
  /** In order of arrival; its limit is `limits.limit`. */
  readonly #queue = new Waiting<RelayStream>();
  #timer: Timer | null = null;
  /** Time between two slots coming free while requests wait; 0 when it is not known. */
  #drainIntervalMs = 0;
  #lastDrainMs = 0;

  constructor(id: string, principal: string, clock: Clock, limits: QueueLimits, observer: RelayObserver) {
    this.id = id;
    this.principal = principal;
    this.#clock = clock;
    this.#limits = limits;
    this.#observer = observer;
    this.idleSinceMs = clock.nowMs();
  }

  get waiting(): number {
    return this.#queue.size;
  }

  get free(): number {
    let free = 0;
    for (const each of this.links) free += each.free;
    return free;
  }

  /** A request came in, with its OPEN at `[start, end)` (payload offsets): it starts, waits, or is refused. */
  take(stream: RelayStream, frame: Buffer, start: number, end: number, last: boolean): void {
    if (this.links.size === 0 && !this.#isExpecting) return this.#refuse(stream, StreamCode.NO_CLIENT);
    const link = this.#queue.size === 0 ? this.#choose() : null;
    if (link !== null) {
      this.#give(stream, link);
      return stream.startAtOnce(link, frame, start, end, last);
    }
    if (this.#queue.size >= this.#limits.limit) {
      this.#observer.limitHit('queue');
      return this.#refuse(stream, StreamCode.QUEUE_FULL);
    }
    if ((this.#queue.size + 1) * this.#drainIntervalMs > this.#limits.timeoutMs) {
      this.#observer.limitHit('queue-wait');
      return this.#refuse(stream, StreamCode.QUEUE_FULL);
    }
    stream.wait(frame, start, end, last);
    this.#queue.add(stream);
    this.#armTimer();
  }

  /** Slots came free, or a link joined or came back: those who waited longest go. */
  pump(): void {
    while (this.#queue.size > 0) {
      const link = this.#choose();
      if (link === null) return;
      this.#noteDrain();
      const stream = this.#queue.first!;
      this.leaveQueue(stream);
      this.#give(stream, link);
      stream.start(link);
    }
  }

  leaveQueue(stream: RelayStream): void {
    this.#queue.delete(stream);
    if (this.#queue.size > 0) return;
    this.#timer?.stop();
    this.#timer = null;
    this.#drainIntervalMs = 0;
    this.#lastDrainMs = 0;
  }

  /** With the one that is expected. */
  get linkCount(): number {
    return this.#isExpecting ? 1 : this.links.size;
  }

  /** `isReplaced`: its client dials another link in its place. */
  removeLink(link: ClientLink, isReplaced: boolean): void {
    this.links.delete(link);
    if (this.links.size > 0) return;
    this.idleSinceMs = this.#clock.nowMs();
    this.#expectedUntilMs = isReplaced ? this.idleSinceMs + REPLACE_MS : 0;
    if (!isReplaced) this.refuseAll(StreamCode.NO_CLIENT);
  }

  /** Asked now and then: true once the link that was expected has not come in time; who waited for it is refused. */
  givesUp(): boolean {
    if (!this.#isExpecting || this.#clock.nowMs() < this.#expectedUntilMs) return false;
    this.#expectedUntilMs = 0;
    this.refuseAll(StreamCode.NO_CLIENT);
    return true;
  }

  refuseAll(code: StreamCode): void {
    for (let stream = this.#queue.first; stream !== null; stream = this.#queue.first) {
      this.leaveQueue(stream);
      this.#refuse(stream, code);
    }
  }

  /** Its last link left, and its client dials another one. */
  get #isExpecting(): boolean {
    return this.links.size === 0 && this.#expectedUntilMs > 0;
  }

  /** The limits, which somebody else writes to, are others now: those who wait are judged by them. */
  limitsChanged(): void {
    this.#timer?.stop();
    this.#timer = null;
    this.#armTimer();
  }

  #give(stream: RelayStream, link: ClientLink): void {
    this.#observer.queued((this.#clock.nowMs() - stream.openedMs) / 1_000);
    link.opened();
  }

  #refuse(stream: RelayStream, code: StreamCode): void {
    this.#observer.refused(code);
    stream.refuse(code);
  }

  /** A free slot, then the lowest recent backend time; one that cannot connect only where there is no other. */
  #choose(): ClientLink | null {
    const nowMs = this.#clock.nowMs();
    let best: ClientLink | null = null;
    let bestScore = Number.POSITIVE_INFINITY;
    let isBestEjected = true;
    for (const each of this.links) {
      if (!each.link.takesStreams) continue;
      const isEjected = each.isEjected(nowMs);
      if (isEjected && !isBestEjected) continue;
      if (!isEjected && isBestEjected) {
        isBestEjected = false;
        best = null;
        bestScore = Number.POSITIVE_INFINITY;
      }
      if (each.free === 0) continue;
      const score = each.score(nowMs);
      if (score < bestScore || (score === bestScore && best !== null && each.free > best.free)) {
        best = each;
        bestScore = score;
      }
    }
    return best;
  }

  #noteDrain(): void {
    const now = this.#clock.nowMs();
    if (this.#lastDrainMs > 0) {
      const interval = now - this.#lastDrainMs;
      this.#drainIntervalMs += this.#drainIntervalMs === 0 ? interval : SMOOTHING * (interval - this.#drainIntervalMs);
    }
    this.#lastDrainMs = now;
  }

  /** All wait equally long, so the first is always the next to run out of time. */
  #armTimer(): void {
    const { first } = this.#queue;
    if (this.#timer !== null || first === null) return;
    const delayMs = Math.max(0, first.openedMs + this.#limits.timeoutMs - this.#clock.nowMs());
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = null;
      this.#expire();
      this.#armTimer();
    });
  }

  #expire(): void {
    const deadlineMs = this.#clock.nowMs() - this.#limits.timeoutMs;
    for (let stream = this.#queue.first; stream !== null; stream = this.#queue.first) {
      if (stream.openedMs > deadlineMs) return;
      this.leaveQueue(stream);
      this.#observer.limitHit('queue-timeout');
      this.#refuse(stream, StreamCode.QUEUE_TIMEOUT);
    }
  }
}
