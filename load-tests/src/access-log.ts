import { MAX_BODY_BYTES } from '../profiles/body-size.ts';
import { isMethod, isPath } from '../profiles/request-shape.ts';
import { withoutSecrets } from './secrets.ts';

/** A request as the entry's access log tells it, without what may be secret. */
export type LoggedRequest = {
  /** Milliseconds since 1970. */
  arrivedMs: number;
  /** False where it had to be inferred from when the line was written: up to 100 ms late. */
  isExact: boolean;
  session: string;
  method: string;
  /** Below the session; queries without values. */
  path: string;
  bodyBytes: number;
  /** False for a log without sizes. */
  hasSize: boolean;
  /** Parts of the path that looked like secrets and were replaced. */
  hidden: number;
};

/** `unusable`: a request that cannot be replayed, such as a WebSocket. */
export type LogLine = { kind: 'request'; request: LoggedRequest } | { kind: 'other' } | { kind: 'unusable' };

const SWITCHING_PROTOCOLS = 101;
/** The last moment that a date can say (ECMA-262, time values). */
const MAX_TIME_MS = 8.64e15;
/** The log cuts longer ones and says so by this sign. */
const CUT = '…';

/**
 * Reads one line of an entry's log (JSON lines, `"msg":"request"`).
 */
export function parseLogLine(line: string): LogLine {
  const fields = parseObject(line);
  if (fields === null || fields['msg'] !== 'request') return { kind: 'other' };
  const { method, target, session, status, bytesIn } = fields;
  if (typeof method !== 'string' || typeof target !== 'string' || typeof session !== 'string') return { kind: 'other' };
  const arrival = arrivalOf(fields);
  const place = `/session/${session}/`;
  const local = originForm(target);
  const { path, hidden } = withoutSecrets(local.startsWith(place) ? local.slice(place.length - 1) : local);
  if (arrival === null || status === SWITCHING_PROTOCOLS || !isMethod(method) || !isPath(path))
    return { kind: 'unusable' };
  const hasSize = typeof bytesIn === 'number' && bytesIn >= 0;
  const bodyBytes = hasSize ? Math.min(Math.trunc(bytesIn), MAX_BODY_BYTES) : 0;
  return { kind: 'request', request: { ...arrival, session, method, path, bodyBytes, hasSize, hidden } };
}

/** Logs from before `arrivedMs` have only the time of writing, when the exchange was over. */
function arrivalOf(fields: Record<string, unknown>): Pick<LoggedRequest, 'arrivedMs' | 'isExact'> | null {
  const { arrivedMs, time, durationMs } = fields;
  if (typeof arrivedMs === 'number') return isTime(arrivedMs) ? { arrivedMs, isExact: true } : null;
  const writtenMs = typeof time === 'number' ? time : Date.parse(String(time));
  const startMs = writtenMs - (typeof durationMs === 'number' ? durationMs : 0);
  return isTime(startMs) ? { arrivedMs: startMs, isExact: false } : null;
}

function isTime(ms: number): boolean {
  return ms >= 0 && ms <= MAX_TIME_MS;
}

/** The absolute form is what clients of proxies send (RFC 9112 §3.2.2). Empty where there is no path. */
function originForm(target: string): string {
  if (target.endsWith(CUT)) return '';
  if (target.startsWith('/')) return target;
  const url = URL.parse(target);
  return url === null ? '' : url.pathname + url.search;
}

function parseObject(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}
