import { MAX_BODY_BYTES } from './body-size.ts';
import { refuse } from './fields.ts';
import { isMethod } from './request-shape.ts';

/** Arrivals of a recorded profile: so many of them are read in 2.5 s, and are 14 MB for each generator (measured). */
export const MAX_TRACE_ARRIVALS = 250_000;
const LINE = /^(\d{1,12}(?:\.\d{1,6})?) ([A-Z]+) (\/[\x21-\x7e]*)(?: (\d{1,8}))?$/;
const TRACE_EXAMPLE = '12.345 POST /orders 512';

/** A request as it was seen: milliseconds after the first one, and what was asked for. No contents, no fields. */
export type TraceArrival = { atMs: number; method: string; path: string; bodyBytes: number };

/**
 * A recorded run: a line per request in order of arrival: milliseconds from the first one, method, path, and the body's
 * bytes where there is one.
 * @throws LoadError `SP_LOAD_PROFILE`, naming the line
 */
export function parseTrace(value: unknown, where: string): TraceArrival[] {
  if (typeof value !== 'string') throw refuse(`${where} must be text of lines such as ${TRACE_EXAMPLE}`);
  const lines = value.split('\n').filter((line) => line !== '');
  if (lines.length === 0 || lines.length > MAX_TRACE_ARRIVALS) {
    throw refuse(`${where} must be 1 to ${MAX_TRACE_ARRIVALS} lines such as ${TRACE_EXAMPLE}`);
  }
  let lastMs = 0;
  return lines.map((line, index) => {
    const arrival = parseLine(line);
    if (arrival === null) throw refuse(`${where}, line ${index + 1} is not such as ${TRACE_EXAMPLE}`);
    if (arrival.atMs < lastMs)
      throw refuse(`${where}, line ${index + 1} is before the line above it; sort them by time`);
    lastMs = arrival.atMs;
    return arrival;
  });
}

function parseLine(line: string): TraceArrival | null {
  const [, at = '', method = '', path = '', bytes = '0'] = LINE.exec(line) ?? [];
  const bodyBytes = Number(bytes);
  if (at === '' || !isMethod(method) || bodyBytes > MAX_BODY_BYTES) return null;
  return { atMs: Number(at), method, path, bodyBytes };
}

/** The line of an arrival, as `parseTrace` reads it. */
export function formatArrival({ atMs, method, path, bodyBytes }: TraceArrival): string {
  const line = `${Number(atMs.toFixed(3))} ${method} ${path}`;
  return bodyBytes === 0 ? line : `${line} ${bodyBytes}`;
}

/** The most arrivals in any one second: what the rate reaches, where the mean hides it. */
export function peakRate(timesMs: readonly number[]): number {
  const windowMs = 1000;
  let first = 0;
  let most = 0;
  for (const [index, atMs] of timesMs.entries()) {
    while (atMs - (timesMs[first] ?? 0) >= windowMs) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
