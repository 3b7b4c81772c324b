/**
 * The limits of one session, and what of them is in use. All clients of it share one: the client that serves it, that
 * which is to take over, and that which finishes what runs, so that a change of clients multiplies nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import type { BackendLimits } from './backend/transport.ts';

export interface SessionLimits {
  /** Requests at the backend at once, at least 1. */
  readonly concurrency: number;
  readonly maxLongStreams: number;
  readonly reconnect: { readonly minMs: number; readonly maxMs: number };
  readonly backend: BackendLimits;
}

/** A client of the session, as far as the limits concern it. */
export interface QuotaUser {
  /** Requests taken whose slot was not given back. */
  readonly busy: number;
  /** So many requests may come over its links at once, all of them together. */
  lease(total: number): void;
  limitsChanged(limits: SessionLimits): void;
}

export class SessionQuota {
  /** What was opened under leases that have since become fewer waits in it: never more than was leased. */
  readonly slots: LimitFunction;
  /** Its values are those in force; looked at before each wait. */
  readonly reconnect: { minMs: number; maxMs: number };
  #limits: SessionLimits;
  #longStreams = 0;
  readonly #users = new Set<QuotaUser>();
  /** Takes new requests. */
  #lessor: QuotaUser | null = null;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
    this.slots = pLimit(limits.concurrency);
    this.reconnect = { ...limits.reconnect };
  }

  get limits(): SessionLimits {
    return this.#limits;
  }

  get freeSlots(): number {
    return Math.max(0, this.#limits.concurrency - this.slots.activeCount);
  }

  get longStreams(): number {
    return this.#longStreams;
  }

  /** In force from now on; what runs beyond lower ones ends by itself. */
  configure(limits: SessionLimits): void {
    if (isDeepStrictEqual(limits, this.#limits)) return;
    this.#limits = limits;
    this.slots.concurrency = limits.concurrency;
    Object.assign(this.reconnect, limits.reconnect);
    for (const user of this.#users) user.limitsChanged(limits);
    this.#leaseRest();
  }

  join(user: QuotaUser): void {
    this.#users.add(user);
  }

  leave(user: QuotaUser): void {
    this.#users.delete(user);
    if (user === this.#lessor) this.#lessor = null;
    else this.#leaseRest();
  }

  /** `user` takes what is new from now on, and nobody else. */
  leaseBy(user: QuotaUser): void {
    this.#lessor = user;
    this.#leaseRest();
  }

  /** `user` has more or fewer requests. */
  busyChanged(user: QuotaUser): void {
    if (user !== this.#lessor) this.#leaseRest();
  }

  /** True when one more is within the limit, and then counts it. */
  takeLongStream(): boolean {
    if (this.#longStreams >= this.#limits.maxLongStreams) return false;
    this.#longStreams += 1;
    return true;
  }

  longStreamOver(): void {
    this.#longStreams -= 1;
  }

  /** What the others do not use. */
  #leaseRest(): void {
    const lessor = this.#lessor;
    if (lessor === null) return;
    let rest = this.#limits.concurrency;
    for (const user of this.#users) if (user !== lessor) rest -= user.busy;
    lessor.lease(Math.max(0, rest));
  }
}
