/** What the spans tell of an exchange. Pure. */
import type { SpanAttributes } from '@sallyport/telemetry';
import type { Exchange } from '../exchange.ts';
import { hostAttributes, methodAttributes, targetAttributes, textOf } from './attributes.ts';
import type { TracedRequest } from './spans.ts';
import type { Recording, Trace } from './trace.ts';

/** Of an exchange, when all of it is known, or all that its spans will tell. */
export type Traced = Pick<Exchange, 'visitor' | 'routed' | 'status' | 'bytesIn' | 'bytesOut' | 'problem'>;

/** To OpenTelemetry what a server answers is its error from 500 on; below it is the visitor's. */
const FIRST_ERROR = 500;
const VISITOR_LEFT = 'visitor_left';

/** `endMs`: on the clock of `performance.now()`. */
export function tracedRequest(
  traced: Traced,
  trace: Trace,
  { tries, answer }: Recording,
  isComplete: boolean,
  endMs: number,
): TracedRequest {
  const { routed, visitor } = traced;
  const { arrivedMs, method, target } = visitor.request;
  return {
    traceId: textOf(trace.traceId),
    parentSpanId: trace.parent === null ? null : textOf(trace.parent.spanId),
    whole: [arrivedMs, endMs],
    attributes: { ...attributesOf(traced), ...failureOf(traced, isComplete) },
    error: errorOf(traced, isComplete),
    method,
    target: routed.strings[1] ?? target,
    session: routed.session,
    tries,
    answer,
  };
}

function attributesOf({ visitor, routed, status, bytesIn, bytesOut }: Traced): SpanAttributes {
  const { method, target, httpVersion, peer } = visitor.request;
  return {
    ...methodAttributes(method),
    ...targetAttributes(target),
    ...hostAttributes(routed.host),
    'url.scheme': peer.scheme,
    'network.protocol.version': httpVersion,
    'client.address': textOf(routed.remote),
    'sallyport.request_id': textOf(routed.requestId),
    ...(routed.session === '' ? {} : { 'sallyport.session': textOf(routed.session) }),
    ...(status === 0 ? {} : { 'http.response.status_code': status }),
    ...(bytesIn === 0 ? {} : { 'http.request.body.size': bytesIn }),
    ...(bytesOut === 0 ? {} : { 'http.response.body.size': bytesOut }),
  };
}

function failureOf({ problem, status }: Traced, isComplete: boolean): SpanAttributes {
  if (problem !== null) {
    const { code, hop } = problem;
    return { 'error.type': code, 'sallyport.code': code, 'sallyport.fault_hop': hop };
  }
  if (!isComplete) return { 'error.type': VISITOR_LEFT };
  return status < FIRST_ERROR ? {} : { 'error.type': String(status) };
}

/** That a visitor leaves is no error of ours. An answer that we cut is one, whatever its status was. */
function errorOf({ problem, status }: Traced, isComplete: boolean): string | null {
  if (problem !== null) return isComplete && problem.status < FIRST_ERROR ? null : problem.title;
  return isComplete && status >= FIRST_ERROR ? `status ${status}` : null;
}
