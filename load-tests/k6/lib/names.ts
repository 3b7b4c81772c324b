/** How the figures are called in k6, and which there are: k6 keeps only what was named before the run. */
import type { ArmName } from '../../report/model.ts';

/** Per request: schedule to last byte, start to last byte, schedule to start. Milliseconds. */
export const TRENDS = ['sallyport_response', 'sallyport_service', 'sallyport_lag'] as const;
export const COUNTERS = ['sallyport_ok', 'sallyport_kept', 'sallyport_failed', 'sallyport_dropped'] as const;
/** Response times once more, by session. */
export const SESSION_TREND = 'sallyport_by_session';
/** k6's own counters that the report needs by arm and step. */
export const K6_COUNTERS = ['dropped_iterations', 'data_received', 'data_sent'] as const;

/** Every other status counts as `other`. */
export const STATUSES: readonly number[] = [
  101, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 415,
  421, 425, 429, 431, 500, 501, 502, 503, 504, 505, 507, 508, 511,
];
export const OTHER_STATUS = 'other';

/** k6's error codes (grafana.com/docs/k6, "Error codes") and the report's names of them; the rest are `unknown`. */
const KIND_OF_CODE: Readonly<Record<number, string>> = {
  1050: 'timeout',
  1100: 'name_not_found',
  1101: 'name_not_found',
  1200: 'connection_closed',
  1201: 'connection_closed',
  1202: 'connection_closed',
  1210: 'unreachable',
  1211: 'connect_timeout',
  1212: 'connection_refused',
  1220: 'connection_reset',
  1300: 'tls:unknown',
  1310: 'tls:certificate',
  1311: 'tls:authority',
};
const UNKNOWN_KIND = 'unknown';
/** HTTP/2 errors have a range of their own; each is a stream or a connection that was ended. */
const FIRST_HTTP2_CODE = 1600;
const LAST_HTTP2_CODE = 1699;
/** What k6 says without a code of its own when this machine has run out of something. */
const OWN_LIMITS: readonly (readonly [says: string, kind: string])[] = [
  ['too many open files', 'no_file_descriptor'],
  ['cannot assign requested address', 'no_local_port'],
];
export const ERROR_KINDS: readonly string[] = [
  ...new Set([...Object.values(KIND_OF_CODE), ...OWN_LIMITS.map(([, kind]) => kind), UNKNOWN_KIND]),
];

export function errorKind(code: number, message: string): string {
  const own = OWN_LIMITS.find(([says]) => message.includes(says));
  if (own !== undefined) return own[1];
  if (code >= FIRST_HTTP2_CODE && code <= LAST_HTTP2_CODE) return 'connection_closed';
  return KIND_OF_CODE[code] ?? UNKNOWN_KIND;
}

/** k6 allows letters, digits and underscores in a metric's name. */
export const statusMetric = (status: number | string): string => `sallyport_status_${status}`;
export const errorMetric = (kind: string): string => `sallyport_error_${kind.replaceAll(':', '_')}`;
export const hopMetric = (hop: string): string => `sallyport_hop_${hop}`;

/** A figure of one arm in one step or in all of them; the warm-up is in neither. */
export function submetric(metric: string, arm: ArmName, step: number | 'all'): string {
  return step === 'all' ? `${metric}{arm:${arm},phase:measure}` : `${metric}{arm:${arm},step:${step}}`;
}

export const sessionMetric = (session: number): string => `${SESSION_TREND}{session:${session},phase:measure}`;
