/** A client's link as the server sees it: its leases, and how its backend has answered of late. */
import type { Clock, Link } from '@sallyport/protocol';
import type { LinkOwner } from './relay.ts';

const SMOOTHING = 1 / 8;
/** What was measured this long ago weighs half: a client that was slow once is tried again. */
const MEMORY_HALF_LIFE_MS = 10_000;
const EJECT_MIN_MS = 500;
const EJECT_MAX_MS = 30_000;

export class ClientLink {
  readonly link: Link;
  readonly owner: LinkOwner;
  readonly sinceMs: number;
  leases = 0;
  /** OPENs sent that the client has not given back. */
  busy = 0;
  readonly #clock: Clock;
  readonly #egressBytes: number;
  #returned = 0;
  #backendUs = 0;
  #answeredMs = 0;
  #connectFailures = 0;
  #ejectedUntilMs = 0;

  constructor(link: Link, owner: LinkOwner, options: { readonly clock: Clock; readonly egressBytes: number }) {
    this.link = link;
    this.owner = owner;
    this.#clock = options.clock;
    this.#egressBytes = options.egressBytes;
    this.sinceMs = options.clock.nowMs();
  }

  /** Leases to give; none while the link is late, going away, or far behind with what it must send. */
  get free(): number {
    const isFit = this.link.takesStreams && this.link.egress.queuedBytes <= this.#egressBytes;
    return isFit ? Math.max(0, this.leases - this.busy) : 0;
  }

  isEjected(nowMs: number): boolean {
    return nowMs < this.#ejectedUntilMs;
  }

  /** Recent backend time of successful answers, in microseconds, fading with age; 0 for one that is yet unknown. */
  score(nowMs: number): number {
    return this.#backendUs * 2 ** ((this.#answeredMs - nowMs) / MEMORY_HALF_LIFE_MS);
  }

  /** SLOTS came. False when more came back than was ever given. */
  takeSlots(leases: number, returned: number): boolean {
    const back = (returned - this.#returned) >>> 0;
    if (back > this.busy) return false;
    this.#returned = returned;
    this.busy -= back;
    this.leases = leases;
    return true;
  }

  opened(): void {
    this.busy += 1;
  }

  /** A request was taken back before its OPEN left. */
  unopened(): void {
    this.busy -= 1;
  }

  answered(status: number, backendUs: number, nowMs: number): void {
    this.#connectFailures = 0;
    this.#ejectedUntilMs = 0;
    if (status < 200 || status >= 500) return;
    this.#backendUs += this.#backendUs === 0 ? backendUs : SMOOTHING * (backendUs - this.#backendUs);
    this.#answeredMs = nowMs;
  }

  /** The client could not connect to its backend: out of the rotation for a while, longer each time. */
  connectFailed(): void {
    const nowMs = this.#clock.nowMs();
    if (this.isEjected(nowMs)) return;
    this.#ejectedUntilMs = nowMs + Math.min(EJECT_MAX_MS, EJECT_MIN_MS * 2 ** this.#connectFailures);
    this.#connectFailures += 1;
  }
}
