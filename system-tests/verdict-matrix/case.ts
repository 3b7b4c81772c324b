/** What a case of the matrix is: data, so that the list reads as a list. */
import type { Fault, HopName } from '@sallyport/load-tests';

/** A backend with a fault of its own, see `faulty-backend.ts`. Times in milliseconds. */
export interface BackendPlan {
  /** How long an answer takes once it has a worker. */
  readonly serviceMs: number;
  /** Requests served at once; absent: all. */
  readonly workers?: number;
  /** Added to an answer for each other request that is being served. */
  readonly perOtherMs?: number;
  /** From `afterMs` behind the first request on, nothing is answered for `lastsMs`. */
  readonly stall?: { readonly afterMs: number; readonly lastsMs: number };
  /** Answered with 500, percent, at random with a fixed seed. */
  readonly failPercent?: number;
  /** Cut without an answer, percent. */
  readonly resetPercent?: number;
}

/** A slow line instead of a direct one, see `relay.ts`. Both directions alike. */
export interface LinePlan {
  /** Who dials through it; `slow-client`: the first client only. */
  readonly of: 'entry' | 'client' | 'slow-client';
  readonly delayMs?: number;
  readonly kbitPerS?: number;
}

export type Burnt = 'entry' | 'server' | 'client' | 'generator';

export interface Case {
  readonly name: string;
  /** Absent: the test backend. */
  readonly backend?: BackendPlan;
  readonly clients?: number;
  /** So many of them the server lets in; default all. */
  readonly admittedClients?: number;
  /** Slots of each client; default 10. */
  readonly slots?: number;
  /** `path=value` for every part. */
  readonly set?: readonly string[];
  /** At the backend; default `/loadtest/get`. */
  readonly path?: string;
  /** Bytes of a POST's body. */
  readonly bodyBytes?: number;
  readonly line?: LinePlan;
  /** Packets between the parts dropped, percent; needs a network namespace. */
  readonly lossPercent?: number;
  /** The part shares its core with a burner of higher priority; everybody else is on the other core. */
  readonly burner?: Burnt;
  /** The generator's own limits. */
  readonly generator?: { readonly maxInFlight?: number; readonly openFiles?: number };
  /** A TLS terminator some milliseconds in front of the entry, with a full handshake for every request. */
  readonly isTerminated?: boolean;
  /** Requests per second and arm, one step each. */
  readonly rates: readonly number[];
  /** Default 4. */
  readonly stepS?: number;
  readonly expects: { readonly fault: Fault; readonly hops?: readonly (HopName | null)[] };
}

export const DEFAULT_SLOTS = 10;
export const DEFAULT_STEP_S = 4;
