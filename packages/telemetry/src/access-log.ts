import type { Logger } from 'pino';
import { flushAtExit, forgetAtExit } from './log-exit.ts';
import { destinationOf, streamOf } from './logger.ts';
import { redactHost, redactTarget } from './redact.ts';

/** One exchange as the access log tells it. Belongs to the log, arrays included, once it has been recorded. */
export type AccessRecord = {
  requestId: string;
  /** Of the trace that the request belongs to, sampled or not; empty: it belongs to none. */
  traceId: string;
  /** When its head was there, milliseconds since 1970; in the log with three decimals. */
  arrivedMs: number;
  method: string;
  host: string;
  target: string;
  status: number;
  bytesIn: number;
  bytesOut: number;
  durationMs: number;
  /** Address of the visitor. */
  remote: string;
  session: string;
  /** Our `SP_…` code when the answer was ours. */
  code?: string;
  cause?: string;
  attempts: number;
  /** Microseconds in entry, uplink, queue, link, slot, client, backend. */
  hopsUs: ArrayLike<number>;
};

export type AccessLog = {
  /** Takes note of an exchange; the line follows within 100 ms. Never throws. */
  record(record: AccessRecord): void;
  /** Exchanges waiting to be written. */
  readonly queued: number;
  /** Exchanges left out because the queue was full. */
  readonly lost: number;
  /** Writes what is queued and ends the timer. Records after this are counted as lost. */
  close(): void;
};

const DEFAULT_MAX_QUEUED = 8192;
const DRAIN_DELAY_MS = 100;
/** Lines written in one turn of the event loop (about 0.5 ms), so that visitors do not wait for a backlog. */
const DRAIN_BATCH = 512;
const LEVEL = 'info';
const MAX_TEXT_CHARS = 2048;
const US_PER_MS = 1000;

/**
 * The access log, off the hot path: `record` puts the record into a ring; 100 ms later, or once 512 wait, they are
 * written in batches at level info with the message `request`. A line's time is that of the writing; `arrivedMs` says
 * when the request came. When the ring is full the record is left out and counted
 * (`sallyport_log_lines_lost_total{where="access"}`).
 */
export function createAccessLog(logger: Logger, options: { maxQueued?: number } = {}): AccessLog {
  const { maxQueued = DEFAULT_MAX_QUEUED } = options;
  const destinationLoss = destinationOf(logger)?.lost;
  const stream = streamOf(logger);
  const bindings = JSON.stringify({ ...logger.bindings(), pid: process.pid }).slice(1, -1);
  const ring: (AccessRecord | undefined)[] = Array.from({ length: maxQueued }, () => undefined);
  let head = 0;
  let queued = 0;
  let lost = 0;
  let timer: NodeJS.Timeout | null = null;
  let immediate: NodeJS.Immediate | null = null;
  let closed = false;

  /** Answers whether any are left. */
  const writeBatch = (): boolean => {
    const start = `{"level":"${LEVEL}","time":"${new Date().toISOString()}",${bindings},`;
    for (let left = Math.min(queued, DRAIN_BATCH); left > 0; left--) {
      const record = ring[head]!;
      ring[head] = undefined;
      head = (head + 1) % maxQueued;
      queued--;
      stream.write(`${start}${fieldsOf(record)},"msg":"request"}\n`);
    }
    return queued > 0;
  };

  const drain = (): void => {
    if (timer) clearTimeout(timer);
    timer = null;
    immediate = null;
    if (writeBatch()) immediate = setImmediate(drain);
  };

  const lose = (): void => {
    lost++;
    destinationLoss?.inc('access');
  };

  const drainAll = (): void => {
    while (writeBatch());
  };
  const atExit = { flushAtExit: drainAll };
  flushAtExit(atExit);

  return {
    record(record) {
      if (!logger.isLevelEnabled(LEVEL)) return;
      if (closed || queued === maxQueued) {
        lose();
        return;
      }
      ring[(head + queued) % maxQueued] = record;
      queued++;
      if (queued >= DRAIN_BATCH) immediate ??= setImmediate(drain);
      else if (timer === null && immediate === null) {
        timer = setTimeout(drain, DRAIN_DELAY_MS);
        timer.unref();
      }
    },
    get queued() {
      return queued;
    },
    get lost() {
      return lost;
    },
    close() {
      closed = true;
      if (timer) clearTimeout(timer);
      if (immediate) clearImmediate(immediate);
      forgetAtExit(atExit);
      drainAll();
    },
  };
}

/**
 * The fields as JSON without the braces. Not by pino: `logger.info` stringifies each name and value by itself, which
 * takes 4.1 µs for this record where one `JSON.stringify` takes 0.4 (measured), and a request as a whole about 30.
 * Strangers choose target and host, so that lengths are cut, and what may be a secret is hidden.
 */
function fieldsOf(record: AccessRecord): string {
  const { requestId, method, status, bytesIn, bytesOut, durationMs, remote, session, code, attempts } = record;
  const host = cut(redactHost(record.host));
  const target = cut(redactTarget(record.target));
  const traceId = record.traceId === '' ? undefined : record.traceId;
  const cause = record.cause === undefined ? undefined : cut(record.cause);
  const hopsUs: number[] = [];
  for (let i = 0; i < record.hopsUs.length; i++) hopsUs.push(Math.round(record.hopsUs[i]!));
  const fields = {
    requestId,
    traceId,
    arrivedMs: Math.round(record.arrivedMs * US_PER_MS) / US_PER_MS,
    method,
    host,
    target,
    status,
    bytesIn,
    bytesOut,
    durationMs,
    remote,
    session,
    code,
    cause,
    attempts,
    hopsUs,
  };
  return JSON.stringify(fields).slice(1, -1);
}

const cut = (text: string): string => (text.length > MAX_TEXT_CHARS ? `${text.slice(0, MAX_TEXT_CHARS)}…` : text);
