/** What becomes of a request's fields on their way to the backend: named passes, in this order. */
import { FieldKind } from '@sallyport/protocol';
import type { Trace } from '../tracing/trace.ts';
import { joinCrumbs } from './cookies.ts';
import { dropNominated, keepTrailersWelcome, keepUpgrade, passOn } from './head.ts';
import type { Arrival, RequestHead } from './request-head.ts';
import { writeVia } from './via.ts';
import { writeWay } from './way.ts';

export interface RequestPass {
  readonly name: string;
  readonly apply: (head: RequestHead) => void;
}

export const REQUEST_PASSES: readonly RequestPass[] = [
  // RFC 9110 §7.2: first, where one can be.
  { name: 'host', apply: ({ arrival, out }) => out.push('Host', arrival.host) },
  { name: 'pass-on', apply: passOn },
  // Before anything of ours is there: that cannot be nominated away.
  { name: 'nominated', apply: dropNominated },
  { name: 'upgrade', apply: keepUpgrade },
  { name: 'trailers-welcome', apply: keepTrailersWelcome },
  { name: 'cookie-crumbs', apply: joinCrumbs },
  { name: 'max-forwards', apply: writeMaxForwards },
  { name: 'way', apply: writeWay },
  { name: 'client-certificate', apply: writeCertificate },
  { name: 'via', apply: (head) => writeVia(head, head.arrival.httpVersion) },
  { name: 'request-id', apply: ({ requestId, out }) => out.push('X-Request-Id', requestId) },
  // Last: a second try sends another (`Trace.opened`).
  { name: 'trace', apply: writeTrace },
];

/** A stranger's word for the way is not passed on, nor is anybody's for what only we may say. */
const HELD_OF_ALL =
  FieldKind.HOP |
  FieldKind.HOST |
  FieldKind.VIA |
  FieldKind.WAY |
  FieldKind.REQUEST_ID |
  FieldKind.IDENTITY |
  FieldKind.DISGUISE;
const HELD_OF_STRANGERS = HELD_OF_ALL | FieldKind.OTHER_WAY;

/** `out`: what comes before the fields, to which they are added. */
export function requestHead(out: string[], sent: readonly string[], arrival: Arrival, pseudonym: string): RequestHead {
  return {
    arrival,
    pseudonym,
    requestId: arrival.requestId,
    isUpgrade: arrival.isUpgrade,
    sent,
    out,
    from: out.length,
    held: heldOf(arrival),
    aside: [],
    seen: 0,
  };
}

function heldOf({ origin, maxForwards, trace }: Arrival): number {
  const held = origin.believed === null ? HELD_OF_STRANGERS : HELD_OF_ALL;
  return held | (maxForwards < 0 ? 0 : FieldKind.MAX_FORWARDS) | (trace === null ? 0 : heldOfTrace(trace));
}

/** What others say in tracestate goes with the trace that they say it of (W3C Trace Context §3.3). */
function heldOfTrace({ parent }: Trace): number {
  return parent === null ? FieldKind.TRACE_PARENT | FieldKind.TRACE_STATE : FieldKind.TRACE_PARENT;
}

/** RFC 9110 §7.6.2. */
function writeMaxForwards({ arrival, out }: RequestHead): void {
  if (arrival.maxForwards >= 0) out.push('Max-Forwards', String(arrival.maxForwards));
}

function writeTrace({ arrival, out }: RequestHead): void {
  if (arrival.trace !== null) out.push('traceparent', arrival.trace.traceParent);
}

/** RFC 9440: of a certificate that this handshake verified; never what the visitor wrote. */
function writeCertificate({ arrival, out }: RequestHead): void {
  if (arrival.clientCertificate !== undefined) out.push('Client-Cert', arrival.clientCertificate);
}
