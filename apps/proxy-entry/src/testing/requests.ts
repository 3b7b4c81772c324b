/** Visitors' requests as `admit` and the passes see them, and words for reading their fields. */
import type { Origin } from '../fields/origin.ts';
import type { Arrival, RequestHead } from '../fields/request-head.ts';
import { requestHead } from '../fields/request-passes.ts';
import type { VisitorRequest } from '../visitor/transport.ts';

export function visitorRequest(changes: Partial<VisitorRequest> = {}): VisitorRequest {
  return {
    method: 'GET',
    target: '/session/demo/',
    httpVersion: '1.1',
    fields: ['Host', 'visited.example'],
    peer: { remoteAddress: '192.0.2.7', scheme: 'http' },
    isUpgrade: false,
    hasBody: false,
    arrivedMs: 0,
    ...changes,
  };
}

export function arrival(changes: Partial<Arrival> = {}): Arrival {
  return {
    origin: stranger('192.0.2.7'),
    httpVersion: '1.1',
    scheme: 'http',
    host: 'visited.example',
    prefix: '/session/demo',
    requestId: 'id-1',
    isUpgrade: false,
    maxForwards: -1,
    trace: null,
    ...changes,
  };
}

export function stranger(peer: string): Origin {
  return { peer, address: peer, believed: null };
}

/** A head before its first pass. */
export function headOf(sent: readonly string[], changes: Partial<Arrival> = {}): RequestHead {
  return requestHead([], sent, arrival(changes), 'sallyport-local');
}

/** `Name: value` lines of flat fields, those of `name` alone when it is given (in lower case). */
export function lines(fields: readonly string[], name?: string): string[] {
  return fields.flatMap((value, i) => {
    const isWanted = i % 2 === 1 && (name === undefined || fields[i - 1]!.toLowerCase() === name);
    return isWanted ? [`${fields[i - 1]!}: ${value}`] : [];
  });
}
