/** What the access log is told of a request. */
import { performance } from 'node:perf_hooks';
import type { AccessRecord } from '@sallyport/telemetry';
import type { Exchange } from './exchange.ts';
import { valuesOf } from './fields/values.ts';
import type { Problem } from './problems.ts';
import type { VisitorRequest } from './visitor/transport.ts';

/** A visitor that left before its answer began: as nginx logs it. */
export const VISITOR_GONE = 499;

export function exchangeRecord(exchange: Exchange, seconds: number, isComplete: boolean): AccessRecord {
  const { visitor, routed, problem } = exchange;
  return {
    requestId: routed.requestId,
    traceId: routed.traceId,
    arrivedMs: performance.timeOrigin + visitor.request.arrivedMs,
    method: visitor.request.method,
    host: routed.host,
    target: visitor.request.target,
    status: exchange.status === 0 ? VISITOR_GONE : exchange.status,
    bytesIn: exchange.bytesIn,
    bytesOut: exchange.bytesOut,
    durationMs: seconds * 1_000,
    remote: routed.remote,
    session: routed.session,
    attempts: exchange.attempt,
    hopsUs: exchange.times.hopsUs,
    code: problem?.code,
    cause: problem === null ? cutOf(isComplete) : (problem.detail ?? problem.title),
  };
}

function cutOf(isComplete: boolean): string | undefined {
  return isComplete ? undefined : 'cut';
}

interface LinkAnswer {
  readonly status: number;
  readonly request: VisitorRequest;
  readonly remote: string;
  readonly requestId: string;
  /** Null: the answer is the server's. */
  readonly problem: Problem | null;
  readonly bytesOut: number;
  readonly seconds: number;
}

/** Of who dialled a server through this entry. */
export function linkRecord({
  status,
  request,
  remote,
  requestId,
  problem,
  bytesOut,
  seconds,
}: LinkAnswer): AccessRecord {
  return {
    requestId,
    traceId: '',
    arrivedMs: performance.timeOrigin + request.arrivedMs,
    method: request.method,
    host: valuesOf(request.fields, 'host')[0] ?? '',
    target: request.target,
    status,
    bytesIn: 0,
    bytesOut,
    durationMs: seconds * 1_000,
    remote,
    session: '',
    attempts: 0,
    hopsUs: [],
    code: problem?.code,
    cause: problem === null ? 'link' : (problem.detail ?? problem.title),
  };
}

/** Of a request whose head was none: there is no method nor target to tell. */
export function refusedRecord(
  problem: Problem,
  requestId: string,
  remote: string,
  bytesOut: number,
  hopsUs: Float64Array,
): AccessRecord {
  return {
    requestId,
    traceId: '',
    arrivedMs: performance.timeOrigin + performance.now(),
    method: '',
    host: '',
    target: '',
    status: problem.status,
    bytesIn: 0,
    bytesOut,
    durationMs: 0,
    remote,
    session: '',
    attempts: 0,
    hopsUs,
    code: problem.code,
    cause: problem.detail ?? problem.title,
  };
}
