/** The metrics that the scripts add to. Runs in k6 alone. */
import { Counter, Trend } from 'k6/metrics';
import { TIMED_HOPS } from '../../report/model.ts';
import { parseServerTiming } from '../../engine/server-timing.ts';
import {
  ERROR_KINDS,
  OTHER_STATUS,
  SESSION_TREND,
  STATUSES,
  errorKind,
  errorMetric,
  hopMetric,
  statusMetric,
} from './names.ts';

const response = new Trend('sallyport_response', true);
const service = new Trend('sallyport_service', true);
const lag = new Trend('sallyport_lag', true);
const ok = new Counter('sallyport_ok');
const kept = new Counter('sallyport_kept');
const failed = new Counter('sallyport_failed');
const dropped = new Counter('sallyport_dropped');
const statuses = new Map(STATUSES.map((status) => [status, new Counter(statusMetric(status))]));
const otherStatus = new Counter(statusMetric(OTHER_STATUS));
const errors = new Map(ERROR_KINDS.map((kind) => [kind, new Counter(errorMetric(kind))]));
const hops = TIMED_HOPS.map((hop) => new Trend(hopMetric(hop), true));
const hopsNow = new Float64Array(TIMED_HOPS.length);
const bySession = new Trend(SESSION_TREND, true);

/** A request that ended, however it did. Milliseconds. */
export function count(lagMs: number, serviceMs: number, isOk: boolean, isInStep: boolean): void {
  lag.add(lagMs);
  service.add(serviceMs);
  response.add(lagMs + serviceMs);
  (isOk ? ok : failed).add(1);
  if (isOk && isInStep) kept.add(1);
}

export function countDropped(): void {
  dropped.add(1);
}

export function countStatus(status: number): void {
  (statuses.get(status) ?? otherStatus).add(1);
}

export function countError(code: number, message: string): void {
  errors.get(errorKind(code, message))?.add(1);
}

export function countHops(field: string | undefined): void {
  if (!parseServerTiming(field, hopsNow)) return;
  for (const [index, hop] of hops.entries()) hop.add(hopsNow[index] ?? 0);
}

export function countSession(session: number, responseMs: number): void {
  bySession.add(responseMs, { session: `${session}` });
}
