/** A request's head on its way to the backend. */
import type { SignedHead } from './head.ts';
import type { Trace } from '../tracing/trace.ts';
import type { Origin } from './origin.ts';

/** What is known of a request beside its fields. */
export interface Arrival {
  readonly origin: Origin;
  /** `1.0`, `1.1` or `2`. */
  readonly httpVersion: string;
  readonly scheme: 'http' | 'https';
  /** As admission found it, whatever the visitor wrote in Host. */
  readonly host: string;
  /** `/session/<id>` where the path chose the session; else empty. */
  readonly prefix: string;
  readonly requestId: string;
  readonly isUpgrade: boolean;
  /** To be written in the place of the visitor's; negative: that passes on. */
  readonly maxForwards: number;
  /** Null: no traces, what the visitor says of its own passes on. */
  readonly trace: Trace | null;
  /** The value of Client-Cert (RFC 9440 §2.2), where the visitor showed a certificate that was verified. */
  readonly clientCertificate?: string | undefined;
}

export interface RequestHead extends SignedHead {
  readonly arrival: Arrival;
}
